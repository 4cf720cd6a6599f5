// A child turns a sentence round and sends it back through a pipe.
//
// Python turns characters round; a std::string holds the bytes of UTF-8, and those of one character stay together here.
#include <partage/partage.hpp>

#include <iostream>
#include <string>

std::string a_l_envers(const std::string& phrase) {
  std::string resultat;
  for (auto end = phrase.size(); end > 0;) {
    auto start = end - 1;
    while (start > 0 && (phrase[start] & 0xc0) == 0x80) --start;  // the bytes that go on a character
    resultat.append(phrase, start, end - start);
    end = start;
  }
  return resultat;
}

void child(partage::Connection conn, const std::string& sentence) {
  conn.send(a_l_envers(sentence));
  conn.close();
}

int main() {
  auto [conn_par, conn_child] = partage::Pipe();
  std::cout << "Entrez une phrase" << std::endl;
  std::string sentence;
  std::getline(std::cin, sentence);

  partage::Process p(child, conn_child, sentence);
  p.start();
  const auto reversed_sent = conn_par.recv<std::string>();
  std::cout << reversed_sent << '\n';
  p.join();
  conn_par.close();
}
