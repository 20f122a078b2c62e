// The options that every program built for ThreadSanitizer starts with.

// Shared libraries were built without the sanitizer and use atomics that it
// cannot see; what they call themselves is not checked. A race ends the program:
// a server that a test started must not go on.
extern "C" const char* __tsan_default_options() {
  return "ignore_noninstrumented_modules=1:halt_on_error=1:second_deadlock_stack=1";
}

// gRPC deletes its side of a call by a count of references that is not seen. The
// templates that it instantiated for itself (reflection) cannot be annotated.
extern "C" const char* __tsan_default_suppressions() {
  return "race:grpc::internal::CallbackBidiHandler*::~ServerCallbackReaderWriterImpl\n";
}
