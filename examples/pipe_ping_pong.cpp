// Two processes play table tennis over a pipe.
//
// Exercise 1 of the seed asks for two processes that talk over a Pipe. Each waits for the other's message before it
// goes on, so a pipe alone puts their lines in order, without a Lock.
#include <partage/partage.hpp>

#include <iostream>

constexpr int ECHANGES = 5;

void ping(partage::Connection conn) {
  for (int i = 1; i <= ECHANGES; ++i) {
    std::cout << "Ping " << i << std::endl;
    conn.send(i);
    conn.recv<int>();
  }
}

void pong(partage::Connection conn) {
  for (int i = 1; i <= ECHANGES; ++i) {
    const int balle = conn.recv<int>();
    std::cout << "Pong " << balle << std::endl;
    conn.send(balle);
  }
}

int main() {
  auto [gauche, droite] = partage::Pipe();
  partage::Process p1(ping, gauche);
  partage::Process p2(pong, droite);
  p1.start();
  p2.start();
  p1.join();
  p2.join();
}
