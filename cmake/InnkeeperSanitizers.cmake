# INNKEEPER_SANITIZER builds everything for a sanitizer: `address` (with
# UndefinedBehaviorSanitizer), `thread`, or `fuzzer`, which is `address` with what libFuzzer
# needs to see which code an input reaches, and takes Clang. The target innkeeper_sanitizer, which
# every program then links, holds the options for the sanitizer's run time, so
# that a program behaves the same under ctest, by hand, and as somebody's child.

set(INNKEEPER_SANITIZER "" CACHE STRING "Sanitizer to build for: address, thread, fuzzer or none")
set_property(CACHE INNKEEPER_SANITIZER PROPERTY STRINGS "" address thread fuzzer)

set(sanitizer_dir "${PROJECT_SOURCE_DIR}/tests/sanitizers")
if(INNKEEPER_SANITIZER STREQUAL "address")
  set(sanitizer_flags -fsanitize=address,undefined -fno-sanitize-recover=all)
  add_library(innkeeper_sanitizer OBJECT "${sanitizer_dir}/address/options.cc")
elseif(INNKEEPER_SANITIZER STREQUAL "fuzzer")
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "libFuzzer takes Clang: configure with the preset fuzz")
  endif()
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-resource-dir
    OUTPUT_VARIABLE clang_dir OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  # libFuzzer for programs with a main of their own.
  find_library(INNKEEPER_LIBFUZZER libclang_rt.fuzzer_no_main-${CMAKE_SYSTEM_PROCESSOR}.a
    PATHS "${clang_dir}/lib/linux" REQUIRED NO_DEFAULT_PATH)
  set(sanitizer_flags -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_library(innkeeper_sanitizer OBJECT "${sanitizer_dir}/address/options.cc")
elseif(INNKEEPER_SANITIZER STREQUAL "thread")
  # Protobuf's maps have other members where the compiler says that it sanitizes;
  # those in Debian's library do not. The standard library may know.
  set(sanitizer_flags -fsanitize=thread -U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  add_library(innkeeper_sanitizer OBJECT
    "${sanitizer_dir}/thread/absl_annotations.cc"
    "${sanitizer_dir}/thread/grpc_annotations.cc"
    "${sanitizer_dir}/thread/options.cc")
  target_link_libraries(innkeeper_sanitizer PUBLIC absl::synchronization gRPC::grpc++)
elseif(INNKEEPER_SANITIZER)
  message(FATAL_ERROR "INNKEEPER_SANITIZER is '${INNKEEPER_SANITIZER}': use address, thread or fuzzer")
endif()

if(INNKEEPER_SANITIZER)
  add_compile_options(${sanitizer_flags} -fno-omit-frame-pointer)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC mistakes what the sanitizers add for uses of uninitialised values.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  add_link_options(${sanitizer_flags})
  target_compile_options(innkeeper_sanitizer PRIVATE ${sanitizer_flags} ${INNKEEPER_WARNINGS})
  target_include_directories(innkeeper_sanitizer PRIVATE "${PROJECT_SOURCE_DIR}")
endif()
