# How a folder becomes a library, a program or a test. Every folder uses these three functions, so
# that flags, warnings and labels are said once.
include_guard(GLOBAL)
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
# -O3 makes g++ 12's -Wrestrict misfire inside std::string.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(STILLFRAME_CCACHE ccache)
if(STILLFRAME_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${STILLFRAME_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${STILLFRAME_CCACHE}")
endif()
find_program(STILLFRAME_MOLD mold)
if(STILLFRAME_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

option(STILLFRAME_WERROR "Treat warnings as errors" OFF)

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
function(stillframe_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC stillframe_flags ${ARG_LINK})
endfunction()

# stillframe_program(NAME SOURCES a.cpp ... [LINK deps...])
function(stillframe_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE stillframe_flags ${ARG_LINK})
endfunction()

# stillframe_test(NAME SOURCES a_test.cpp ... [LINK deps...] [LABELS ci|soak|bench ...] [TIMEOUT s]
#                 [SERIAL] [ARGS ...])
# One executable is one CTest test; GoogleTest's main() is linked in.
function(stillframe_test name)
  cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "SOURCES;LINK;LABELS;ARGS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE stillframe_flags ${ARG_LINK} GTest::gmock GTest::gtest
                                        GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS ci)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if(ARG_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
