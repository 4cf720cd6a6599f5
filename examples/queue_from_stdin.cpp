// The main process reads lines from the standard input and hands them to a child over a queue.
//
// The standard input of a child is empty, as in Python, so the main process has to read. The end of the input counts as
// "exit"; the original would end with an error and leave its child waiting for ever.
#include <partage/partage.hpp>

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <string>

std::string en_minuscules(std::string texte) {
  std::ranges::transform(texte, texte.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return texte;
}

void processus_consommateur(partage::Queue<std::string> q) {
  const std::string moi = "[Consommateur PID:" + std::to_string(::getpid()) + "] ";
  std::cout << moi << "Démarrage - En attente de messages..." << std::endl;
  for (;;) {
    const std::string message = q.get();  // Bloque jusqu'à recevoir un message
    if (en_minuscules(message) == "exit") break;
    std::cout << moi << "Message reçu: " << message << std::endl;
  }
  std::cout << moi << "Signal de fin reçu" << std::endl;
}

int main() {
  std::cout << "=== Queue avec interaction utilisateur ===\n\n";
  std::cout << "Processus principal PID: " << ::getpid() << "\n\n";

  partage::Queue<std::string> q;
  partage::Process p_cons(processus_consommateur, q);
  p_cons.start();

  std::cout << "Tapez des messages (ou 'exit' pour quitter):" << std::endl;
  std::string message;
  do {
    std::cout << "Entrez un message à produire: " << std::flush;
    if (!std::getline(std::cin, message)) message = "exit";
    q.put(message);  // Envoyer le message dans la queue
    std::cout << "[Principal] Produit: " << message << std::endl;
  } while (en_minuscules(message) != "exit");
  p_cons.join();

  std::cout << "\n✓ Communication terminée\n";
}
