# The committed docs/states.md is what the table prints.
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE printed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} failed: ${result}")
endif()
file(READ "${DOCUMENT}" committed)
if(NOT printed STREQUAL committed)
  message(FATAL_ERROR "docs/states.md is out of date: run `${PROGRAM} > docs/states.md`")
endif()
