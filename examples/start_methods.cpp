// The three ways to start a process: fork, spawn, forkserver.
//
// A forked child is a copy of its parent, variables included. A spawned one is the program started anew, up to
// partage::init(), and gets its function and its arguments sent; a forkserver starts it from a process made so once.
// The seed names the three and has no program for them.
#include <partage/partage.hpp>

#include <iostream>
#include <string>
#include <utility>

int variable = 1;

void f(const std::string& methode, partage::Queue<std::string> q) {
  q.put(methode + ": variable = " + std::to_string(variable));
}
PARTAGE_FUNCTION(f);

int main(int argc, char** argv) {
  partage::init(argc, argv);
  variable = 2;

  partage::Queue<std::string> q;
  using partage::StartMethod;
  for (const auto& [nom, methode] :
       {std::pair("fork", StartMethod::fork), {"spawn", StartMethod::spawn}, {"forkserver", StartMethod::forkserver}}) {
    partage::Process p(partage::ProcessOptions{.start_method = methode}, f, std::string(nom), q);
    p.start();
    std::cout << q.get() << '\n';
    p.join();
  }
}
