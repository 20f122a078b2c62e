// File: tests/support/test_engine.h

#ifndef INNKEEPER_TESTS_SUPPORT_TEST_ENGINE_H_
#define INNKEEPER_TESTS_SUPPORT_TEST_ENGINE_H_

#include <memory>
#include <string>

#include "storage/engine.h"

namespace innkeeper::storage {

// Opens the embedded engine in the directory `path`, with little memory. Crashes if
// it can't.
std::unique_ptr<Engine> OpenTestEngine(const std::string& path);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_SUPPORT_TEST_ENGINE_H_
