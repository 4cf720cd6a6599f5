// A server that tells the time of day, and its client, over a message queue with types.
//
// The original's server takes messages of every type, its own answers included, and stops on type 2; here the requests
// have one type and their bytes say what is asked. Both ends remove the queue in the original, the second of them in
// vain; here who made it does. The original also sends a str where bytes are wanted, and its two programs have one key
// by agreement; here they are two functions and the key is the parent's.
#include <partage/partage.hpp>

#include <unistd.h>

#include <ctime>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

constexpr long DEMANDE = 1, REPONSE = 3;

std::string asctime() {
  const std::time_t now = std::time(nullptr);
  std::ostringstream texte;
  texte << std::put_time(std::localtime(&now), "%a %b %e %H:%M:%S %Y");
  return texte.str();
}

void server(const std::string& key) {
  auto mq = partage::MessageQueue::open(key);
  while (mq.receive(DEMANDE).bytes != "fin") mq.send(asctime(), REPONSE);
}

/// 1: what time is it? Anything else, and the end of the input: the server shall stop.
int getrequest() {
  int request = 0;
  std::cin >> request;
  return request;
}

int main() {
  const std::string key = "heure-" + std::to_string(::getpid());
  auto mq = partage::MessageQueue::create(key);
  partage::Process p(server, key);
  p.start();

  while (getrequest() == 1) {
    mq.send("heure", DEMANDE);
    std::cout << "Server response: " << mq.receive(REPONSE).bytes << '\n';
  }
  mq.send("fin", DEMANDE);
  p.join();
  mq.remove();
  std::cout << "Code du serveur: " << *p.exitcode() << '\n';
}
