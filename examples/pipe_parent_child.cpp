// A pipe between a parent and its child, used both ways.
//
// Pipe() gives two connections; each end sends and receives. recv<T>() names the type, which Python finds out by
// itself.
#include <partage/partage.hpp>

#include <unistd.h>

#include <iostream>
#include <string>

void processus_enfant(partage::Connection conn) {
  const std::string moi = "[Enfant PID:" + std::to_string(::getpid()) + "] ";
  std::cout << moi << "Démarrage" << std::endl;

  const auto message = conn.recv<std::string>();  // Recevoir un message du parent
  std::cout << moi << "Message reçu du parent: " << message << std::endl;

  conn.send("Bonjour parent! Je suis le processus " + std::to_string(::getpid()));
  std::cout << moi << "Réponse envoyée au parent" << std::endl;

  conn.close();
  std::cout << moi << "Connexion fermée" << std::endl;
}

void processus_parent(partage::Connection conn) {
  const std::string moi = "[Parent PID:" + std::to_string(::getpid()) + "] ";
  std::cout << moi << "Démarrage" << std::endl;

  const std::string message = "Bonjour enfant!";
  conn.send(message);  // Envoyer un message à l'enfant
  std::cout << moi << "Message envoyé à l'enfant: " << message << std::endl;

  const auto reponse = conn.recv<std::string>();
  std::cout << moi << "Réponse reçue de l'enfant: " << reponse << std::endl;

  conn.close();
  std::cout << moi << "Connexion fermée" << std::endl;
}

int main() {
  std::cout << "=== Communication bidirectionnelle avec Pipe ===\n\n";

  auto [conn_parent, conn_enfant] = partage::Pipe();
  partage::Process p_enfant(processus_enfant, conn_enfant);
  p_enfant.start();
  processus_parent(conn_parent);
  p_enfant.join();

  std::cout << "\n✓ Communication terminée\n";
}
