// expect: (deleted function .*Process\(const|deleted constructor of .*Process)
#include <partage/process.hpp>

#include <utility>

partage::Process second(partage::Process& first) {
#ifdef PARTAGE_CONTROL
  return std::move(first);
#else
  return first;
#endif
}
