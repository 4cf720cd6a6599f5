// A list of values of different types goes through a pipe, from the child to the parent.
//
// The file the seed includes is absent; this is the program its text describes. The seed warns that a process killed in
// the middle of a message corrupts the pipe: here half a message never arrives, the other end gets EOFError, as it does
// when it asks for more than was sent.
#include <partage/partage.hpp>

#include <iostream>

void f(partage::Connection conn) {
  conn.send(partage::Object{42, nullptr, "hello"});
  conn.close();
}

int main() {
  auto [parent_conn, child_conn] = partage::Pipe();
  partage::Process p(f, child_conn);
  p.start();
  child_conn.close();  // so that the child has the only one
  std::cout << parent_conn.recv<partage::Object>() << '\n';
  p.join();
  try {
    parent_conn.recv<partage::Object>();
  } catch (const partage::EOFError&) {
    std::cout << "EOFError\n";
  }
}
