# cmake -DPROGRAM=... -DLABELS=... -DTIMEOUT=... -DFILE=... -P ListSuites.cmake: writes the
# suites of a GoogleTest program to FILE, each as a test for ctest.

execute_process(COMMAND "${PROGRAM}" --gtest_list_tests
  OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
# "Suite." or "Suite/0.  # TypeParam = ...", and the tests of each below it, indented.
string(REGEX MATCHALL "\n[A-Za-z0-9_/]+\\." suites "\n${listing}")
set(tests)
foreach(suite ${suites})
  string(REGEX REPLACE "^\n(.*)\\.$" "\\1" suite "${suite}")
  string(APPEND tests
    "add_test(\"${suite}\" \"${PROGRAM}\" \"--gtest_filter=${suite}.*\")\n"
    "set_tests_properties(\"${suite}\" PROPERTIES LABELS \"${LABELS}\" TIMEOUT ${TIMEOUT})\n")
endforeach()
file(WRITE "${FILE}" "${tests}")
