# The headers of libraries that most sources use, precompiled: they are what most
# of a clean build would go into. A source still includes all that it uses;
# Lint.tidy compiles it without these.
#
# Precompiled headers are good only for the very options and macros that they
# were made with. So all targets have those that count: -pthread as GoogleTest's
# users have it, -Wpedantic since it decides about macros, and the libraries' own.

# innkeeper_precompiled_headers(NAME HEADERS ... LIBRARIES ...): precompiles
# HEADERS, which are those of LIBRARIES, for the targets that are declared behind
# this in its directory or below, with the options that hold there.
macro(innkeeper_precompiled_headers name)
  cmake_parse_arguments(INNKEEPER_PRECOMPILED "" "" "HEADERS;LIBRARIES" ${ARGN})
  set(INNKEEPER_PRECOMPILED ${name})
  set(INNKEEPER_PRECOMPILED_OPTIONS -pthread -Wpedantic)
  set(INNKEEPER_PRECOMPILED_DEFINITIONS)
  foreach(library ${INNKEEPER_PRECOMPILED_LIBRARIES})
    list(APPEND INNKEEPER_PRECOMPILED_OPTIONS
         $<TARGET_PROPERTY:${library},INTERFACE_COMPILE_OPTIONS>)
    list(APPEND INNKEEPER_PRECOMPILED_DEFINITIONS
         $<TARGET_PROPERTY:${library},INTERFACE_COMPILE_DEFINITIONS>)
  endforeach()
  add_library(${name} OBJECT "${PROJECT_SOURCE_DIR}/cmake/precompiled.cc")
  target_compile_options(${name} PRIVATE ${INNKEEPER_PRECOMPILED_OPTIONS})
  target_compile_definitions(${name} PRIVATE ${INNKEEPER_PRECOMPILED_DEFINITIONS})
  target_link_libraries(${name} PRIVATE ${INNKEEPER_PRECOMPILED_LIBRARIES})
  target_precompile_headers(${name} PRIVATE ${INNKEEPER_PRECOMPILED_HEADERS})
endmacro()

# innkeeper_precompile(TARGET): lets the sources of a target begin with them.
function(innkeeper_precompile target)
  target_compile_options(${target} PRIVATE ${INNKEEPER_PRECOMPILED_OPTIONS})
  target_compile_definitions(${target} PRIVATE ${INNKEEPER_PRECOMPILED_DEFINITIONS})
  target_precompile_headers(${target} REUSE_FROM ${INNKEEPER_PRECOMPILED})
endfunction()
