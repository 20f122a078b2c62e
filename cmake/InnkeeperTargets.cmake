# The ways in which a target is declared in this project. Every target lists
# exactly what it uses: DEPS appear in its headers or sources.

set(INNKEEPER_WARNINGS
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    -Wunused -Wcast-align -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  list(APPEND INNKEEPER_WARNINGS -Wthread-safety)
endif()

option(INNKEEPER_UNITY "Compile several sources of a target at once" OFF)

# innkeeper_unite(TARGET): lets the sources of a target be compiled several at once, as
# INNKEEPER_UNITY has it: what they use of libraries is then read and instantiated
# once for all of them. Names in their anonymous namespaces must differ.
function(innkeeper_unite target)
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD ${INNKEEPER_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# innkeeper_library(NAME SRCS ... DEPS ...): a component of the product, as
# target innkeeper_NAME and alias innkeeper::NAME.
function(innkeeper_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_library(innkeeper_${name} STATIC ${ARG_SRCS})
  add_library(innkeeper::${name} ALIAS innkeeper_${name})
  target_include_directories(innkeeper_${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(innkeeper_${name} PUBLIC ${ARG_DEPS})
  target_compile_options(innkeeper_${name} PRIVATE ${INNKEEPER_WARNINGS})
  innkeeper_precompile(innkeeper_${name})
  innkeeper_unite(innkeeper_${name})
endfunction()

# innkeeper_executable(NAME SRCS ... DEPS ...): a program called NAME.
function(innkeeper_executable name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  if(TARGET innkeeper_sanitizer)
    target_link_libraries(${name} PRIVATE innkeeper_sanitizer)
  endif()
  target_compile_options(${name} PRIVATE ${INNKEEPER_WARNINGS})
  innkeeper_precompile(${name})
  innkeeper_unite(${name})
endfunction()

# innkeeper_use_jemalloc(TARGET): lets a program allocate with jemalloc, unless a
# sanitizer has an allocator of its own. See docs/decisions/0007-jemalloc.md.
function(innkeeper_use_jemalloc target)
  if(NOT INNKEEPER_SANITIZER)
    find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
    # Nothing refers to it by name.
    target_link_options(${target} PRIVATE -Wl,--no-as-needed)
    target_link_libraries(${target} PRIVATE "${JEMALLOC_LIBRARY}")
  endif()
endfunction()

# innkeeper_test_timeout(VARIABLE): the seconds that a test may take, 60 if it does
# not say; more of them where a sanitizer makes everything slow.
function(innkeeper_test_timeout variable)
  set(seconds "${${variable}}")
  if(NOT seconds)
    set(seconds 60)
  endif()
  if(INNKEEPER_SANITIZER)
    math(EXPR seconds "${seconds} * 5")
  endif()
  set(${variable} ${seconds} PARENT_SCOPE)
endfunction()

# innkeeper_test(NAME SRCS ... DEPS ... [LABELS ...] [TIMEOUT seconds] [SUITES]): a
# GoogleTest program; ctest runs each of its tests by itself, or with SUITES, where
# the tests of one share something dear, each suite.
function(innkeeper_test name)
  cmake_parse_arguments(ARG "SUITES" "TIMEOUT" "SRCS;DEPS;LABELS" ${ARGN})
  innkeeper_executable(${name} SRCS ${ARG_SRCS} DEPS ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  innkeeper_test_timeout(ARG_TIMEOUT)
  if(ARG_SUITES)
    innkeeper_discover_suites(${name} "${ARG_LABELS}" ${ARG_TIMEOUT})
  else()
    gtest_discover_tests(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
                         DISCOVERY_TIMEOUT 60)
  endif()
endfunction()

# innkeeper_discover_suites(NAME LABELS TIMEOUT): lets ctest run each suite of a GoogleTest
# program by itself, under its name.
function(innkeeper_discover_suites name labels timeout)
  set(file "${CMAKE_CURRENT_BINARY_DIR}/${name}_suites.cmake")
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:${name}>" "-DLABELS=${labels}"
      "-DTIMEOUT=${timeout}" "-DFILE=${file}" -P "${PROJECT_SOURCE_DIR}/cmake/ListSuites.cmake"
    BYPRODUCTS "${file}"
    VERBATIM)
  # As GoogleTest's module has it for what is not built.
  set(include_file "${CMAKE_CURRENT_BINARY_DIR}/${name}_include.cmake")
  file(WRITE "${include_file}"
    "if(EXISTS \"${file}\")\n"
    "  include(\"${file}\")\n"
    "else()\n"
    "  add_test(${name}_NOT_BUILT ${name}_NOT_BUILT)\n"
    "endif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${include_file}")
endfunction()

# innkeeper_script_test(NAME COMMAND program [argument...] [LABELS ...]
# [TIMEOUT seconds]): any program as a test. Exit status 77 means that it was
# skipped for the reason in the last line of its output.
function(innkeeper_script_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  innkeeper_test_timeout(ARG_TIMEOUT)
  add_test(NAME ${name} COMMAND ${ARG_COMMAND})
  set_tests_properties(${name} PROPERTIES
    LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()

# innkeeper_proto_library(NAME IMPORT_DIR dir PROTOS ... [DEPS ...] [GRPC]): the
# C++ messages of .proto files, or with GRPC the services in them; the messages
# are then those of one of DEPS.
function(innkeeper_proto_library name)
  cmake_parse_arguments(ARG "GRPC" "IMPORT_DIR" "PROTOS;DEPS" ${ARGN})
  set(out "${PROJECT_BINARY_DIR}/generated")
  file(MAKE_DIRECTORY "${out}")
  set(includes "-I${ARG_IMPORT_DIR}")
  foreach(dep ${ARG_DEPS})
    get_target_property(dir ${dep} INNKEEPER_PROTO_IMPORT_DIR)
    if(dir)
      list(APPEND includes "-I${dir}")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES includes)
  set(generated)
  foreach(proto ${ARG_PROTOS})
    string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
    if(ARG_GRPC)
      set(outputs "${out}/${stem}.grpc.pb.cc" "${out}/${stem}.grpc.pb.h")
      set(options "--grpc_out=${out}"
          "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>")
    else()
      set(outputs "${out}/${stem}.pb.cc" "${out}/${stem}.pb.h")
      set(options "--cpp_out=${out}")
    endif()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND protobuf::protoc ${includes} ${options} "${proto}"
      DEPENDS "${ARG_IMPORT_DIR}/${proto}"
      COMMENT "Generating C++ from ${proto}"
      VERBATIM)
    list(APPEND generated ${outputs})
  endforeach()
  add_library(innkeeper_${name} STATIC ${generated})
  add_library(innkeeper::${name} ALIAS innkeeper_${name})
  set_target_properties(innkeeper_${name} PROPERTIES INNKEEPER_PROTO_IMPORT_DIR "${ARG_IMPORT_DIR}")
  target_include_directories(innkeeper_${name} SYSTEM PUBLIC "${out}")
  target_link_libraries(innkeeper_${name} PUBLIC protobuf::libprotobuf)
  if(ARG_DEPS)
    target_link_libraries(innkeeper_${name} PUBLIC ${ARG_DEPS})
  endif()
  if(ARG_GRPC)
    target_link_libraries(innkeeper_${name} PUBLIC gRPC::grpc++)
    innkeeper_unite(innkeeper_${name})
  endif()
  innkeeper_precompile(innkeeper_${name})
endfunction()
