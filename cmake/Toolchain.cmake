# Language level, tools and instrumentation: everything that decides how a file is compiled and that
# no folder has a say in.
include_guard(GLOBAL)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# Packaging links what the folders found, so what one folder finds the whole build may use.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)

# Where the libraries' helper programs are installed, and the way there from the libraries.
set(STILLFRAME_HELPER_DIR "${CMAKE_INSTALL_LIBEXECDIR}/stillframe")
file(RELATIVE_PATH STILLFRAME_HELPERS_FROM_LIB "/${CMAKE_INSTALL_LIBDIR}"
     "/${STILLFRAME_HELPER_DIR}")

option(STILLFRAME_WERROR "Treat warnings as errors" OFF)
option(STILLFRAME_COVERAGE "Count which lines run (g++)" OFF)
option(STILLFRAME_FUZZ "Build the fuzz targets as libFuzzer programs, and no tests" OFF)
option(STILLFRAME_EVERY_TEST "Also build the tests that one configuration is enough for" OFF)
set(STILLFRAME_SKIPPED_SUITES "" CACHE STRING
    "Folders of tests that this configuration has nothing to say about")
set(STILLFRAME_SANITIZE "" CACHE STRING "Sanitizers to compile in, separated by commas")

# -O3 makes g++ 12's -Wrestrict misfire inside std::string.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
# Line tables are what a sanitizer report needs; full debug information doubles compile and link time.
set(CMAKE_CXX_FLAGS_SANITIZED "-O1 -gline-tables-only -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_SANITIZED "${CMAKE_CXX_FLAGS_SANITIZED}")
# The plain clang build exists for its warnings and its code generator, which -O1 exercises.
set(CMAKE_CXX_FLAGS_SECOND "-O1")
set(CMAKE_C_FLAGS_SECOND "${CMAKE_CXX_FLAGS_SECOND}")

# Half of a compilation is reading headers: presets with CMAKE_UNITY_BUILD let the files of a target
# share it (docs/decisions/0055). Larger batches save little more, and two cores then wait for one.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16 CACHE STRING "Files of a target that are compiled as one")

# No file that is built names the folder it was built in.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")

# Paths below the source folder are hashed relative to it and the build folder is not hashed, so that
# a fresh clone elsewhere is served from what another checkout compiled.
find_program(STILLFRAME_CCACHE ccache)
if(STILLFRAME_CCACHE)
  set(launcher "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1
               "${STILLFRAME_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${launcher}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${launcher}")
endif()
find_program(STILLFRAME_MOLD mold)
if(STILLFRAME_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# The asan-ubsan preset counts edges as the fuzz preset must, although nothing looks at them there: a
# few per cent of time, for which both compile every library alike and ccache does it once.
if(STILLFRAME_SANITIZE)
  add_compile_options("-fsanitize=${STILLFRAME_SANITIZE}" -fno-sanitize-recover=all)
  add_link_options("-fsanitize=${STILLFRAME_SANITIZE}")
  # Debian names the symbolizer after its version, where the sanitizers do not look.
  find_program(STILLFRAME_SYMBOLIZER NAMES llvm-symbolizer-14 llvm-symbolizer)
  set(STILLFRAME_SANITIZER_ENVIRONMENT
      "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
      "UBSAN_OPTIONS=print_stacktrace=1" "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
      "ASAN_SYMBOLIZER_PATH=${STILLFRAME_SYMBOLIZER}"
      "TSAN_SYMBOLIZER_PATH=${STILLFRAME_SYMBOLIZER}")
endif()
if(STILLFRAME_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
