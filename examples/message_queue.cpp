// A server and its clients, which have nothing in common but the key of a message queue.
//
// A client sends its pid as a message of type 1 and waits for a message of type pid + 3: so one queue serves all, and each gets
// its own answer. A message of type 2 ends the server, which removes the queue. The processes get no handle from each other:
// they might as well be programs of their own.
#include <partage/partage.hpp>

#include <unistd.h>

#include <ctime>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

void worker(const partage::MessageQueue& mq, const std::string& m) {
  const std::time_t now = std::time(nullptr);
  std::tm here{};
  localtime_r(&now, &here);
  char msg[32];
  std::strftime(msg, sizeof msg, "%a %b %e %H:%M:%S %Y", &here);
  mq.send(msg, std::stol(m) + 3);
}

void server(const std::string& key) {
  const auto mq = partage::MessageQueue::open(key);
  std::vector<std::thread> threads;
  for (;;) {
    const auto [m, t] = mq.receive(-2);  // requests only: receive() would take the answers too
    if (t == 2) break;
    threads.emplace_back(worker, mq, m);
  }
  for (std::thread& thread : threads) thread.join();
  mq.remove();
}

void client(const std::string& key) {
  const auto mq = partage::MessageQueue::open(key);
  const long pid = getpid();
  mq.send(std::to_string(pid), 1);
  const auto [m, t] = mq.receive(pid + 3);
  std::cout << "Server response: " + m + '\n' << std::flush;
}

int main() {
  const std::string key = "exemple-" + std::to_string(getpid());  // the original: 128
  {
    const auto mq = partage::MessageQueue::create(key);
    partage::Process serveur(server, key);
    serveur.start();
    std::vector<partage::Process> clients;
    for (int i = 0; i < 3; ++i) clients.emplace_back(client, key);
    for (partage::Process& p : clients) p.start();
    for (partage::Process& p : clients) p.join();
    mq.send("", 2);
    serveur.join();
  }
  try {
    partage::MessageQueue::open(key);
  } catch (const partage::KeyError&) {
    std::cout << "La file n'existe plus\n";
  }
}
