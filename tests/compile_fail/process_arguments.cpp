// expect: partage: the function of a Process cannot be called with copies of these arguments; .* by value or const reference
#include <partage/process.hpp>

#ifdef PARTAGE_CONTROL
void count(int) {}
#else
void count(int&) {}  // would count in the child's copy
#endif

partage::Process start(int number) {
  return partage::Process(count, number);
}
