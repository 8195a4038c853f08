# What is installed, and how other projects find it. The folders' libraries are merged into
#
#   libstillframe.so            framework: base up to the embedded coordinator
#   libstillframe-requestor.so  requestor: backup, restore and store, on top of it
#   libstillframe-testkit.a     testkit: for test programs, so it is static
#   libstillframe-ese.so        ese: the interfaces JET and ntdsbcli; it stands alone, and shows nothing else
#   libstillframe-ese-writer.so ese_writer: a program's JET instance as a writer, on top of both
#   stillframe-writer-ese.so    ese: the writer of databases at rest, a plug-in that stands alone, too
#   stillframe-writer-dedup.so  dedup: the writer of deduplicated volumes, likewise
#
# A folder takes part by being there: every static library below it is collected. Internal symbols stay
# visible, because the requestor and the testkit are built on them; the promise to users is the headers.
#
# Install components: framework and requestor are the libraries that programs run with, development is
# what they are built with; testkit is for test programs; service is stillframed with its helpers and
# units, command the command line, ese the tool esectl, the library of its engine and its plug-in,
# ese_writer the library that makes that engine's instances writers, dedup the tool dedupctl and its
# plug-in.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

set(STILLFRAME_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/stillframe")

# The static libraries defined in a folder and below it.
function(stillframe_libraries_below result folder)
  set(found)
  if(EXISTS "${CMAKE_SOURCE_DIR}/${folder}/CMakeLists.txt")
    get_property(targets DIRECTORY "${CMAKE_SOURCE_DIR}/${folder}" PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target IN LISTS targets)
      get_target_property(type ${target} TYPE)
      if(type STREQUAL "STATIC_LIBRARY")
        list(APPEND found ${target})
      endif()
    endforeach()
    get_property(subfolders DIRECTORY "${CMAKE_SOURCE_DIR}/${folder}" PROPERTY SUBDIRECTORIES)
    foreach(subfolder IN LISTS subfolders)
      file(RELATIVE_PATH subfolder "${CMAKE_SOURCE_DIR}" "${subfolder}")
      stillframe_libraries_below(below "${subfolder}")
      list(APPEND found ${below})
    endforeach()
  endif()
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# stillframe_component(NAME TYPE SHARED|STATIC OUTPUT file-name FOLDERS f... [NEEDS components...]
#                      [WITHOUT libraries...])
# WITHOUT names what the folders have for a program alone.
function(stillframe_component name)
  cmake_parse_arguments(ARG "" "TYPE;OUTPUT" "FOLDERS;NEEDS;WITHOUT" ${ARGN})
  set(parts)
  foreach(folder IN LISTS ARG_FOLDERS)
    stillframe_libraries_below(below "${folder}")
    list(APPEND parts ${below})
  endforeach()
  list(REMOVE_ITEM parts "" ${ARG_WITHOUT})
  if(NOT parts)
    return()
  endif()

  set(target stillframe_${name}_package)
  add_library(${target} ${ARG_TYPE} ${only_for_tests})
  foreach(part IN LISTS parts)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${part}>)
  endforeach()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${ARG_OUTPUT} EXPORT_NAME ${name}
                        LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
                        SOVERSION ${PROJECT_VERSION_MAJOR})
  target_compile_features(${target} INTERFACE cxx_std_20)
  target_include_directories(${target} INTERFACE
    "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/framework/include>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  if(ARG_TYPE STREQUAL "SHARED")
    target_link_libraries(${target} PRIVATE Threads::Threads)
    if(NOT STILLFRAME_SANITIZE)  # whose runtime is only in programs
      target_link_options(${target} PRIVATE -Wl,--no-undefined)
    endif()
    # What the parts link apart from each other: third-party libraries.
    foreach(part IN LISTS parts)
      get_target_property(links ${part} LINK_LIBRARIES)
      foreach(link IN LISTS links)
        if(link AND NOT link MATCHES "^stillframe_")
          target_link_libraries(${target} PRIVATE ${link})
        endif()
      endforeach()
    endforeach()
  endif()
  foreach(need IN LISTS ARG_NEEDS)
    target_link_libraries(${target} PUBLIC stillframe_${need}_package)
  endforeach()
  add_library(stillframe::${name} ALIAS ${target})

  # A static library is nothing but something to build with.
  set(to_build_with development)
  if(ARG_TYPE STREQUAL "STATIC")
    set(to_build_with ${name})
  endif()
  install(TARGETS ${target} EXPORT stillframe-${name} COMPONENT ${name}
          LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" NAMELINK_COMPONENT development
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT stillframe-${name} NAMESPACE stillframe:: COMPONENT ${to_build_with}
          DESTINATION "${STILLFRAME_CMAKE_DIR}")
  set(pc_name ${ARG_OUTPUT})
  file(RELATIVE_PATH pc_up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  list(TRANSFORM ARG_NEEDS REPLACE "^framework$" "stillframe" OUTPUT_VARIABLE pc_needs)
  list(TRANSFORM pc_needs REPLACE "^ese$" "stillframe-ese")
  list(JOIN pc_needs " " pc_needs)
  configure_file("${CMAKE_SOURCE_DIR}/cmake/stillframe.pc.in"
                 "${CMAKE_BINARY_DIR}/pkgconfig/${pc_name}.pc" @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/pkgconfig/${pc_name}.pc" COMPONENT ${to_build_with}
          DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

stillframe_component(framework TYPE SHARED OUTPUT stillframe
  FOLDERS framework/base framework/io framework/chunkstore framework/model framework/lists framework/wire
          framework/transport framework/sdk framework/plugin framework/providers
          framework/coordinator writers/script writers/dedup/volume writers/dedup/restore)
stillframe_component(requestor TYPE SHARED OUTPUT stillframe-requestor NEEDS framework
  FOLDERS framework/remote requestor WITHOUT stillframe_cli)
stillframe_component(testkit TYPE STATIC OUTPUT stillframe-testkit NEEDS framework
  FOLDERS framework/testkit)

stillframe_component(ese TYPE SHARED OUTPUT stillframe-ese
  FOLDERS framework/base framework/io writers/ese/format writers/ese/engine writers/ese/tables
          writers/ese/recovery writers/ese/instance writers/ese/backup writers/ese/interlock
          writers/ese/jet writers/ese/ntds)
set(jet_symbols "${CMAKE_SOURCE_DIR}/writers/ese/jet/jet.map")
# By the compiler's own linker: mold 1.10 stops at an assertion where a version script hides what
# __builtin_cpu_supports() takes from libgcc.
target_link_options(stillframe_ese_package PRIVATE "-Wl,--version-script=${jet_symbols}"
                                                   -fuse-ld=bfd)
set_target_properties(stillframe_ese_package PROPERTIES LINK_DEPENDS "${jet_symbols}")

# Formats, recovery and the tidying of folders are in it again, since the engine's library hides its own; calls
# of the engine go to that library. docs/decisions/0060-writer-library.md.
stillframe_component(ese_writer TYPE SHARED OUTPUT stillframe-ese-writer NEEDS framework ese
  FOLDERS writers/ese/format writers/ese/engine writers/ese/tables writers/ese/recovery
          writers/ese/instance writers/ese/backup writers/ese/writer
  WITHOUT stillframe_ese_hosted stillframe_ese_resting)
target_link_options(stillframe_ese_writer_package PRIVATE -fuse-ld=bfd)  # mold, as above

# Plug-ins are named by the configuration of the service, whole, and are no libraries of anybody's.
install(TARGETS stillframe-writer-ese COMPONENT ese
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/stillframe")
install(TARGETS stillframe-writer-dedup COMPONENT dedup
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/stillframe")

# Helpers are started by the libraries and are no business of a user's PATH. The command line, its
# manual pages and its completions are installed where they are made, in requestor/.
install(TARGETS stillframe-guard stillframe-provider-host COMPONENT service
        DESTINATION "${STILLFRAME_HELPER_DIR}")
install(TARGETS stillframe-sim COMPONENT testkit DESTINATION "${CMAKE_INSTALL_BINDIR}")

install(DIRECTORY framework/include/stillframe DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        COMPONENT development PATTERN testkit EXCLUDE)
install(DIRECTORY framework/include/stillframe/testkit COMPONENT testkit
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/stillframe")

configure_package_config_file(cmake/stillframeConfig.cmake.in
  "${CMAKE_BINARY_DIR}/stillframeConfig.cmake" INSTALL_DESTINATION "${STILLFRAME_CMAKE_DIR}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/stillframeConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/stillframeConfig.cmake"
              "${CMAKE_BINARY_DIR}/stillframeConfigVersion.cmake"
        COMPONENT development DESTINATION "${STILLFRAME_CMAKE_DIR}")
