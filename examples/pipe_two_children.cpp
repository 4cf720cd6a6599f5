// A pipe between two children.
//
// The parent makes it and gives each child one end. One message and one answer, so the order of the lines is fixed.
#include <partage/partage.hpp>

#include <unistd.h>

#include <iostream>
#include <string>

void processus_parent(partage::Connection conn) {
  conn.send("message du parent PID " + std::to_string(::getpid()));  // Envoyer un message
  const auto reponse = conn.recv<std::string>();                     // Recevoir la réponse
  std::cout << reponse << std::endl;
}

void processus_enfant(partage::Connection conn) {
  const auto message = conn.recv<std::string>();  // Recevoir le message
  std::cout << message << std::endl;
  conn.send("réponse de l'enfant, PID " + std::to_string(::getpid()));  // Envoyer une réponse
}

int main() {
  auto [parent_conn, child_conn] = partage::Pipe();

  partage::Process p(processus_enfant, child_conn);
  p.start();
  partage::Process p_parent(processus_parent, parent_conn);
  p_parent.start();
  p.join();
  p_parent.join();
}
