// File: tests/support/test_engine.h

#ifndef INNKEEPER_TESTS_SUPPORT_TEST_ENGINE_H_
#define INNKEEPER_TESTS_SUPPORT_TEST_ENGINE_H_

#include <memory>
#include <string>

#include "storage/engine.h"
#include "storage/sealing/master_key.h"

namespace innkeeper::storage {

// The master keys of test stores: one, always the same.
MasterKeys TestMasterKeys();

// Opens the embedded engine in the directory `path`, sealed and with little memory. Crashes
// if it can't.
std::unique_ptr<Engine> OpenTestEngine(const std::string& path);

}  // namespace innkeeper::storage

#endif  // INNKEEPER_TESTS_SUPPORT_TEST_ENGINE_H_
