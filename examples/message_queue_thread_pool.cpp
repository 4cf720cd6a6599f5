// A server with four threads, whose answers are addressed to the client that asked: their type is its pid + 3.
//
// Threads of the server take the requests from a queue, which is all a thread pool is. As in message_queue_time.cpp the
// server takes requests only, never an answer. The original removes the message queue as soon as the end is asked for,
// with answers still to be sent; here all threads have ended by then.
#include <partage/partage.hpp>

#include <unistd.h>

#include <ctime>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

constexpr long DEMANDE = 1;

std::string asctime() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  std::ostringstream texte;
  texte << std::put_time(::localtime_r(&now, &local), "%a %b %e %H:%M:%S %Y");
  return texte.str();
}

void worker(partage::MessageQueue mq, partage::SimpleQueue<std::string> demandes) {
  for (std::string m = demandes.get(); m != "fin"; m = demandes.get()) {
    mq.send(asctime() + " pour " + m, std::stol(m) + 3);  // == pid + 3
  }
}

void server(const std::string& key) {
  auto mq = partage::MessageQueue::open(key);
  partage::SimpleQueue<std::string> demandes;
  std::vector<std::thread> executor;
  for (int i = 0; i < 4; ++i) executor.emplace_back(worker, mq, demandes);

  for (std::string m = mq.receive(DEMANDE).bytes; m != "fin"; m = mq.receive(DEMANDE).bytes) demandes.put(m);
  for (std::size_t i = 0; i < executor.size(); ++i) demandes.put("fin");
  for (std::thread& thread : executor) thread.join();
}

void client(const std::string& key) {
  auto mq = partage::MessageQueue::open(key);
  const std::string pid = std::to_string(::getpid());
  mq.send(pid, DEMANDE);
  const std::string dt = mq.receive(::getpid() + 3).bytes;  // pid + 3 = identifiant
  std::cout << "Client " << pid << ", server response: " << dt << '\n';
}

int main() {
  const std::string key = "pool-" + std::to_string(::getpid());
  auto mq = partage::MessageQueue::create(key);
  partage::Process s(server, key);
  s.start();

  std::vector<partage::Process> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back(client, key);
    clients.back().start();
  }
  for (partage::Process& p : clients) p.join();

  mq.send("fin", DEMANDE);
  s.join();
  mq.remove();
  std::cout << "Code du serveur: " << *s.exitcode() << '\n';
}
