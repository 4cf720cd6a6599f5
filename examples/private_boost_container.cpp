// Boost's containers in the memory of a Manager, for the private use of one process.
//
// Manager::segment_manager() is a segment manager of Boost.Interprocess over the crash-safe heap. A container with
// private_allocator lives in the segment, grows with it, and is taken back when its process dies. Boost's containers
// are not crash-safe themselves: only the heap under them is. So they are never shared; what others shall see goes into
// a list or a dict, here the result.
#include <partage/partage.hpp>

#include <boost/container/map.hpp>
#include <boost/interprocess/containers/vector.hpp>
#include <functional>
#include <iostream>
#include <utility>

using Numbers = boost::interprocess::vector<int, partage::private_allocator<int>>;
using Counts = boost::container::map<int, int, std::less<int>, partage::private_allocator<std::pair<const int, int>>>;

int main() {
  partage::Manager manager;
  auto chiffres = manager.dict<int, int>();

  partage::Process worker([&] {
    partage::SegmentManager* segment = manager.segment_manager();
    Numbers premiers(segment);
    for (int n = 2; premiers.size() < 1000; ++n) {
      bool premier = true;
      for (const int p : premiers) {
        if (p * p > n) break;
        if (n % p == 0) premier = false;
      }
      if (premier) premiers.push_back(n);
    }
    Counts counts(segment);
    for (const int p : premiers) ++counts[p % 10];

    const auto* const start = reinterpret_cast<const char*>(segment);
    const auto* const memory = reinterpret_cast<const char*>(&premiers.front());
    const bool inside = memory > start && memory < start + segment->get_size();
    std::cout << "dans le segment: " << std::boolalpha << inside << '\n';
    std::cout << "le 1000e nombre premier: " << premiers.back() << '\n';
    chiffres.update(counts);
  });
  worker.start();
  worker.join();
  std::cout << "derniers chiffres: " << chiffres << '\n';
}
