# `cpack -G DEB` in the build folder makes five packages of what is installed:
#
#   stillframe          stillframed, the broker, their helpers and units, and the command line
#   libstillframe0      the libraries that writers and requestors run with
#   libstillframe-dev   what they are built with, and the simulation kit
#   stillframe-ese      esectl, the library of the storage engine, and the plug-in that backs its databases up
#   libstillframe-ese-writer0   what programs with that engine and a writer for it run with
#   stillframe-dedup    dedupctl, units that run the jobs of volumes, the plug-in that backs them up
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME stillframe)
set(CPACK_PACKAGE_CONTACT "Stillframe authors <stillframe@localhost>" CACHE STRING
    "Maintainer of the packages")
set(CPACK_PACKAGE_DIRECTORY "${CMAKE_BINARY_DIR}/packages")
set(CPACK_STRIP_FILES ON)
# Units and configuration look at the prefix when they are installed.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)

set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(library "libstillframe${PROJECT_VERSION_MAJOR}")
set(writer_library "libstillframe-ese-writer${PROJECT_VERSION_MAJOR}")
set(same_version "(= ${PROJECT_VERSION})")

# stillframe_package(GROUP name section text)
macro(stillframe_package group name section text)
  string(TOUPPER ${group} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_PACKAGE_PRIORITY optional)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${text}")
  list(APPEND CPACK_COMPONENT_GROUPS_ALL ${group})
endmacro()

stillframe_package(machine stillframe admin
  "Applications say what they own and hold still for a moment, backup programs ask for a copy,
storage cuts it. This is the coordinator that brings them together, as a service, with the
privileged broker beside it and the command line.")
set(CPACK_DEBIAN_MACHINE_PACKAGE_DEPENDS "systemd | adduser")
set(CPACK_DEBIAN_MACHINE_PACKAGE_RECOMMENDS "btrfs-progs | xfsprogs | e2fsprogs")
set(CPACK_DEBIAN_MACHINE_PACKAGE_CONTROL_EXTRA
  "${CMAKE_CURRENT_LIST_DIR}/conffiles;${CMAKE_CURRENT_LIST_DIR}/postinst"
  "${CMAKE_CURRENT_LIST_DIR}/prerm;${CMAKE_CURRENT_LIST_DIR}/postrm")

stillframe_package(library ${library} libs
  "What applications that take part in shadow copies (writers) and backup programs that ask for them
(requestors) run with.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS stillframe)

stillframe_package(headers libstillframe-dev libdevel
  "Headers, CMake and pkg-config files to build writers, requestors and plug-ins with, and a kit
that runs whole backups and restores in simulated time.")
# The CMake files name every library, and check that it is there.
set(CPACK_DEBIAN_HEADERS_PACKAGE_DEPENDS
    "${library} ${same_version}, stillframe-ese ${same_version}, ${writer_library} ${same_version}")

stillframe_package(ese stillframe-ese utils
  "esectl verifies, compares, exports and recovers databases of the Extensible Storage Engine, with
their logs and checkpoints; libstillframe-ese is the engine that programs use through its JET
interface. Both need nothing else of Stillframe. stillframe-writer-ese is the plug-in of stillframed
for databases that no process uses.")
set(CPACK_DEBIAN_ESE_PACKAGE_SUGGESTS stillframe)

stillframe_package(engine_writer ${writer_library} libs
  "Makes a program's database of the storage engine in stillframe-ese a writer, so that it is backed
up while it is in use, and restored by whoever restores the machine.")

stillframe_package(dedup stillframe-dedup admin
  "dedupctl makes deduplicated volumes of ext4, XFS and btrfs, shows them to their users, runs their
jobs and says what is saved. It needs nothing else of Stillframe. stillframe-writer-dedup is the
plug-in of stillframed that backs such volumes up as they are.")
set(CPACK_DEBIAN_DEDUP_PACKAGE_SUGGESTS stillframe)
set(CPACK_DEBIAN_DEDUP_PACKAGE_DEPENDS "fuse3")
set(CPACK_DEBIAN_DEDUP_PACKAGE_CONTROL_EXTRA
  "${CMAKE_CURRENT_LIST_DIR}/dedup/postinst;${CMAKE_CURRENT_LIST_DIR}/dedup/prerm"
  "${CMAKE_CURRENT_LIST_DIR}/dedup/postrm")

include(CPack)
foreach(component service command)
  cpack_add_component(${component} GROUP machine)
endforeach()
foreach(component framework requestor)
  cpack_add_component(${component} GROUP library)
endforeach()
foreach(component development testkit)
  cpack_add_component(${component} GROUP headers)
endforeach()
cpack_add_component(ese GROUP ese)
cpack_add_component(ese_writer GROUP engine_writer)
cpack_add_component(dedup GROUP dedup)
foreach(group machine library headers ese engine_writer dedup)
  cpack_add_component_group(${group})
endforeach()

# Each package says under what licence it is.
foreach(pair "service stillframe" "framework ${library}" "development libstillframe-dev"
             "ese stillframe-ese" "ese_writer ${writer_library}" "dedup stillframe-dedup")
  separate_arguments(pair UNIX_COMMAND "${pair}")
  list(GET pair 0 component)
  list(GET pair 1 name)
  install(FILES "${CMAKE_SOURCE_DIR}/LICENSE" RENAME copyright COMPONENT ${component}
          DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/${name}")
endforeach()
