// The dining philosophers: each eats when none of the two beside him does, and wakes them when he has eaten.
//
// The original uses threads and local lists; here the philosophers are processes, and their states an Array of an enum.
// Each eats three times, where the original stops after ten seconds, so that the result can be checked; its parameter
// `Lock` hides the class of that name.
#include <partage/partage.hpp>

#include <chrono>
#include <iostream>
#include <mutex>
#include <vector>

#include "pace.hpp"

using namespace std::chrono_literals;

constexpr int N = 5, REPAS = 3;

enum class State { THINKING, HUNGRY, EATING };

struct Table {
  partage::Lock lock;
  partage::Array<State> state = partage::Array<State>(N);
  std::vector<partage::Semaphore> sem;

  /// The philosopher i eats, if he is hungry and none of the two beside him eats. With the lock held.
  void servir(int i) const {
    if (state[i] != State::HUNGRY || state[(i + N - 1) % N] == State::EATING || state[(i + 1) % N] == State::EATING)
      return;
    state[i] = State::EATING;
    std::cout << "Philosophe " << i << " mange" << std::endl;
    sem[static_cast<std::size_t>(i)].release();
  }
};

void philosopher(int i, const Table& table) {
  for (int repas = 0; repas < REPAS; ++repas) {
    slow_down(5s);  // Le philosophe pense
    {
      std::scoped_lock garde(table.lock);
      table.state[i] = State::HUNGRY;
      table.servir(i);
    }
    table.sem[static_cast<std::size_t>(i)].acquire();  // Attendre que mon voisin me débloque
    slow_down(2s);                                     // Le philosophe mange
    std::scoped_lock garde(table.lock);
    table.state[i] = State::THINKING;
    std::cout << "Philosophe " << i << " pense" << std::endl;
    table.servir((i + N - 1) % N);
    table.servir((i + 1) % N);
  }
}

int main() {
  Table table;
  for (int i = 0; i < N; ++i) table.sem.emplace_back(0, partage::SemaphoreOptions{.signal = true});

  std::vector<partage::Process> philosophes;
  for (int i = 0; i < N; ++i) philosophes.emplace_back(philosopher, i, table);
  for (partage::Process& p : philosophes) p.start();
  for (partage::Process& p : philosophes) p.join();
  std::cout << "FIN\n";
}
