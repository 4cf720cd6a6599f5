// A queue between two children, for one item.
//
// put() has stored the item when it returns. In Python a thread of the producer does that later, which is why a
// producer must not be killed before. Which of the two lines is printed first is free.
#include <partage/partage.hpp>

#include <iostream>
#include <string>

void producer(partage::Queue<std::string> q) {
  q.put("Donnée importante");
  std::cout << "📤 Producteur a envoyé la donnée\n";
}

void consumer(partage::Queue<std::string> q) {
  const std::string data = q.get();  // Bloquant jusqu'à réception
  std::cout << "📥 Consommateur a reçu : " << data << '\n';
}

int main() {
  partage::Queue<std::string> q;

  partage::Process p1(producer, q);
  partage::Process p2(consumer, q);
  p1.start();
  p2.start();

  p1.join();
  p2.join();
}
