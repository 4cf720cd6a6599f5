// expect: a Connection cannot be stored in a shared object
#include <partage/partage.hpp>

using namespace partage;

void f(const Connection& connection, const ListProxy<std::pair<int, Connection>>& list, const ListProxy<int>& numbers) {
#ifdef PARTAGE_CONTROL
  connection.send(std::make_pair(1, connection));
  numbers.append(1);
#else
  list.append({1, connection});
#endif
}
