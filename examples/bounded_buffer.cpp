// A producer and a consumer over a buffer of five places, with two semaphores.
//
// Who takes a place is not who gives it back, so both semaphores hand over: {.signal = true}, and nobody owns a permit.
// The original uses threads and a local array; here they are two processes, and the buffer is an Array.
#include <partage/partage.hpp>

#include <iostream>
#include <mutex>

constexpr int BUFFER_SIZE = 5;

void producer(int n, partage::Array<long> buffer, partage::Semaphore full, partage::Semaphore empty,
              partage::Lock lock) {
  long a = 0, b = 1;
  int p = 0;
  for (int i = 0; i < n + 1; ++i) {
    const long next = a + b;
    a = b;
    b = next;
    if (i == n) a = -1;  // Définir la fin
    empty.acquire();     // Prendre une place
    {
      std::scoped_lock garde(lock);
      std::cout << "producer : " << a << std::endl;
      buffer[p] = a;
      p = (p + 1) % BUFFER_SIZE;
    }
    full.release();  // Débloquer le lecteur
  }
}

void consumer(partage::Array<long> buffer, partage::Semaphore full, partage::Semaphore empty, partage::Lock lock) {
  int q = 0;
  long res;
  do {
    full.acquire();  // Attendre que le producteur envoie un jeton
    {
      std::scoped_lock garde(lock);
      res = buffer[q];
      std::cout << "consumer : " << res << std::endl;
      q = (q + 1) % BUFFER_SIZE;
    }
    empty.release();  // Rendre la place
  } while (res != -1);
}

int main() {
  const int n = 10;
  partage::Array<long> buffer(BUFFER_SIZE);
  partage::Lock lock;
  partage::Semaphore full(0, {.signal = true});
  partage::Semaphore empty(BUFFER_SIZE, {.signal = true});

  partage::Process prod(producer, n, buffer, full, empty, lock);
  partage::Process cons(consumer, buffer, full, empty, lock);
  cons.start();
  prod.start();
  cons.join();
  prod.join();
}
