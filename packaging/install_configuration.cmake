# Run by an installation: /etc belongs to what is installed in /usr.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  file(INSTALL "${configuration}" DESTINATION "/etc/stillframe")
else()
  file(INSTALL "${configuration}" DESTINATION "${CMAKE_INSTALL_PREFIX}/${examples}")
endif()
