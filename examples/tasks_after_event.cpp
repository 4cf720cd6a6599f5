// Functions in a queue, which threads take and call when an event says that the numbers are there.
//
// A function pointer cannot go through a queue: it means nothing in another process. PARTAGE_FUNCTION makes a function
// known by name, and a FunctionRef to it travels. A name goes with each, in place of Python's __name__. Without numbers
// to read the program takes some of its own, where Python's median and stdev would fail.
#include <partage/partage.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using Numbers = std::vector<double>;

double minimum(const Numbers& data) {
  return std::ranges::min(data);
}
double maximum(const Numbers& data) {
  return std::ranges::max(data);
}
double mean(const Numbers& data) {
  return std::accumulate(data.begin(), data.end(), 0.0) / static_cast<double>(data.size());
}
double median(const Numbers& data) {
  Numbers sorted = data;
  std::ranges::sort(sorted);
  const std::size_t n = sorted.size();
  return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}
double stdev(const Numbers& data) {
  const double m = mean(data);
  double sum = 0;
  for (const double x : data) sum += (x - m) * (x - m);
  return std::sqrt(sum / static_cast<double>(data.size() - 1));
}
PARTAGE_FUNCTION(minimum);
PARTAGE_FUNCTION(maximum);
PARTAGE_FUNCTION(median);
PARTAGE_FUNCTION(mean);
PARTAGE_FUNCTION(stdev);

using Task = std::pair<std::string, partage::FunctionRef<double(const Numbers&)>>;
using Result = std::pair<std::string, double>;

void worker(partage::Queue<Task> task_queue, const Numbers& data, partage::Event data_ready,
            partage::Queue<Result> res_queue) {
  data_ready.wait();                               // Attendre un événement
  const auto [name, function] = task_queue.get();  // Récupération d'une fonction
  res_queue.put({name, function(data)});           // Envoyer le nom de la fonction et son résultat
}

int main() {
  Numbers data;
  const std::vector<Task> tasks{
      {"min", minimum}, {"max", maximum}, {"median", median}, {"mean", mean}, {"stdev", stdev}};
  partage::Queue<Task> task_queue;  // Queue contenant les fonctions voulues
  for (const Task& task : tasks) task_queue.put(task);
  partage::Event data_ready;
  partage::Queue<Result> res_queue;  // Queue des résultats

  std::vector<std::thread> threads;  // Un thread pour chaque fonction à effectuer
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    threads.emplace_back(worker, task_queue, std::cref(data), data_ready, res_queue);
  }

  std::cout << "Entrez une séquence de nombres" << std::endl;
  std::string in_str;
  std::getline(std::cin, in_str);
  std::istringstream mots(in_str);
  for (std::string s; mots >> s;) {
    try {
      data.push_back(std::stod(s));
    } catch (const std::exception&) {
      std::cout << "Bad number " << s << '\n';
    }
  }
  if (data.size() < 2) data = {3, 1, 4, 1, 5, 9, 2, 6};
  data_ready.set();  // Lancer un événement

  for (std::thread& thread : threads) thread.join();
  while (const auto result = res_queue.try_get()) std::cout << result->first << ": " << result->second << '\n';
}
