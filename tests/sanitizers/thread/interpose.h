// File: tests/sanitizers/thread/interpose.h
//
// Puts a function of the program in front of a shared library's function of the
// same name. The dynamic linker binds every call to the program's definition,
// those from inside other libraries too; the definition does its part and calls
// the library's through here.

#ifndef INNKEEPER_TESTS_SANITIZERS_THREAD_INTERPOSE_H_
#define INNKEEPER_TESTS_SANITIZERS_THREAD_INTERPOSE_H_

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace innkeeper::interpose {

// Returns the address of a function or (non-virtual) member function.
template <typename Function>
void* AddressOf(Function function) {
  void* address;
  static_assert(sizeof function >= sizeof address);
  std::memcpy(&address, &function, sizeof address);
  return address;
}

// Returns the library's definition of `symbol`, its linker name. Crashes if
// there is none.
inline void* NextSymbol(const char* symbol) {
  void* next = symbol == nullptr ? nullptr : dlsym(RTLD_NEXT, symbol);
  if (next == nullptr) {
    std::fprintf(stderr, "no library defines %s\n", symbol == nullptr ? "the function" : symbol);
    std::abort();
  }
  return next;
}

// Returns the library's definition behind `function`, a definition in this
// program.
template <typename Function>
Function Next(Function function) {
  Dl_info info;
  const bool known = dladdr(AddressOf(function), &info) != 0;
  void* address = NextSymbol(known ? info.dli_sname : nullptr);
  Function next{};
  std::memcpy(&next, &address, sizeof address);
  return next;
}

// Calls the library's definition behind the member function `kMethod`.
template <auto kMethod, typename Object, typename... Args>
auto CallNext(Object* object, Args&&... args) {
  static const auto method = Next(kMethod);
  return (object->*method)(static_cast<Args&&>(args)...);
}

}  // namespace innkeeper::interpose

#endif  // INNKEEPER_TESTS_SANITIZERS_THREAD_INTERPOSE_H_
