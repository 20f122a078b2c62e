// Has the defect that its argument names.

#include <climits>
#include <memory>
#include <string>

namespace {

int UseAfterFree() {
  auto value = std::make_unique<int>(1);
  const volatile int* gone = value.get();
  value.reset();
  return *gone;
}

int Leak() {
  static char* volatile lost = nullptr;
  lost = new char[1000];
  lost = nullptr;
  return lost == nullptr ? 0 : 1;
}

int Overflow() {
  volatile int largest = INT_MAX;
  return largest + 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string kind = argc == 2 ? argv[1] : "";
  if (kind == "use-after-free") return UseAfterFree();
  if (kind == "leak") return Leak();
  if (kind == "overflow") return Overflow();
  return 2;
}
