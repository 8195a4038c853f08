# Run by an installation: writes units with the paths of this prefix.
set(BINDIR "${CMAKE_INSTALL_PREFIX}/${bin}")
set(SBINDIR "${CMAKE_INSTALL_PREFIX}/${sbin}")
set(HELPERDIR "${CMAKE_INSTALL_PREFIX}/${helpers}")
foreach(unit IN LISTS units)
  configure_file("${templates}/${unit}.in" "${made}/${unit}" @ONLY)
  file(INSTALL "${made}/${unit}" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system"
       PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endforeach()
