# How a folder becomes a library, a program or a test. Every folder uses these three functions, so
# that flags, warnings and labels are said once.
include_guard(GLOBAL)
include(GNUInstallDirs)
include(Toolchain)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

add_library(stillframe_flags INTERFACE)
target_compile_options(stillframe_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  $<$<BOOL:${STILLFRAME_WERROR}>:-Werror>)
target_include_directories(stillframe_flags INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/framework/include>"
  "$<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>")
target_link_libraries(stillframe_flags INTERFACE Threads::Threads)

# stillframe_library(NAME SOURCES a.cpp ... [LINK deps...])
# Built when something that is built needs it: no configuration compiles what it does not run.
function(stillframe_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC stillframe_flags ${ARG_LINK})
endfunction()

# stillframe_program(NAME SOURCES a.cpp ... [LINK deps...])
function(stillframe_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE stillframe_flags ${ARG_LINK})
endfunction()

# stillframe_register_test(NAME COMMAND c args... [LABELS ci|soak|bench ...] [TIMEOUT s] [SERIAL]
#                          [VOLUMES] [ENVIRONMENT A=b ...])
# Adds any program or script as a CTest test. Where the test is a GoogleTest program its cases are
# recorded one by one in results/NAME.xml, which is how `./dev test` counts and names them. Any other
# test says "skipped" with exit code 77 and the reason as its last line. Sanitizers triple the timeout.
# VOLUMES: it makes or lists snapshots of real volumes. A provider knows every snapshot on the machine,
# so these run one at a time, beside others. A mount namespace keeps every volume busy that it was
# copied with: what makes one belongs here too.
function(stillframe_register_test name)
  cmake_parse_arguments(ARG "SERIAL;VOLUMES" "TIMEOUT" "COMMAND;LABELS;ENVIRONMENT" ${ARGN})
  add_test(NAME ${name} COMMAND ${ARG_COMMAND})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(STILLFRAME_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 3")
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS ci)
  endif()
  set(environment ${STILLFRAME_SANITIZER_ENVIRONMENT}
      "GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/results/${name}.xml" ${ARG_ENVIRONMENT})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
                                          ENVIRONMENT "${environment}" SKIP_RETURN_CODE 77)
  if(ARG_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
  if(ARG_VOLUMES)
    set_tests_properties(${name} PROPERTIES RESOURCE_LOCK volumes)
  endif()
endfunction()

# stillframe_test(NAME SOURCES a_test.cpp ... [LINK deps...] [LABELS ci|soak|bench ...] [TIMEOUT s]
#                 [SERIAL] [VOLUMES] [RELEASE_ONLY] [ENVIRONMENT A=b ...] [ARGS ...]
#                 [DEFINES NAME="value" ...] [NEEDS targets...])
# One executable is one CTest test; GoogleTest's main() is linked in. RELEASE_ONLY is for tests that
# a sanitizer cannot tell more about: they drive other programs, or measure. NEEDS names what the test
# starts or loads. Not every configuration has every test: what is said of one is said here, in one
# place, and not with commands that want its target.
function(stillframe_test name)
  cmake_parse_arguments(ARG "SERIAL;VOLUMES;RELEASE_ONLY" "TIMEOUT" "SOURCES;LINK;LABELS;ENVIRONMENT;ARGS;DEFINES;NEEDS" ${ARGN})
  if(STILLFRAME_FUZZ OR (ARG_RELEASE_ONLY AND NOT STILLFRAME_EVERY_TEST))
    return()
  endif()
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE stillframe_flags ${ARG_LINK} GTest::gmock GTest::gtest
                                        GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE ${ARG_DEFINES})
  if(ARG_NEEDS)
    add_dependencies(${name} ${ARG_NEEDS})
  endif()
  set(alone)
  if(ARG_SERIAL)
    list(APPEND alone SERIAL)
  endif()
  if(ARG_VOLUMES)
    list(APPEND alone VOLUMES)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS ci)
  endif()
  stillframe_register_test(${name} COMMAND ${name} ${ARG_ARGS} LABELS ${ARG_LABELS} gtest
                           TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT ${ARG_ENVIRONMENT} ${alone})
endfunction()
