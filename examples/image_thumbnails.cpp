// Ten images become thumbnails, and each is announced when it is ready.
//
// imap_unordered() gives the results in the order in which they are ready. The original sleeps in place of the work;
// here small PPM images are made in a temporary directory and really reduced: each pixel of a thumbnail is the mean of
// a square of 8 x 8.
#include <partage/partage.hpp>

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

struct Image {
  int width, height;
  std::vector<unsigned char> rgb = std::vector<unsigned char>(3 * place(0, height));

  std::size_t place(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  }
  unsigned char& at(int x, int y, std::size_t colour) { return rgb[3 * place(x, y) + colour]; }
};

Image read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string magic;
  int width, height, max;
  in >> magic >> width >> height >> max;
  in.ignore();
  Image image{width, height};
  in.read(reinterpret_cast<char*>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()));
  return image;
}

void write(const fs::path& path, const Image& image) {
  std::ofstream out(path, std::ios::binary);
  out << "P6\n" << image.width << ' ' << image.height << "\n255\n";
  out.write(reinterpret_cast<const char*>(image.rgb.data()), static_cast<std::streamsize>(image.rgb.size()));
}

std::string process_image(const std::string& img_name) {
  constexpr int by = 8;
  const fs::path path = img_name;
  const fs::path thumb = path.parent_path() / (path.stem().string() + "_thumb.ppm");
  Image image = read(path);
  Image small{image.width / by, image.height / by};
  for (int y = 0; y < small.height; ++y) {
    for (int x = 0; x < small.width; ++x) {
      for (std::size_t colour = 0; colour < 3; ++colour) {
        int sum = 0;
        for (int i = 0; i < by * by; ++i) sum += image.at(x * by + i % by, y * by + i / by, colour);
        small.at(x, y, colour) = static_cast<unsigned char>(sum / (by * by));
      }
    }
  }
  write(thumb, small);
  return path.filename().string() + " -> " + thumb.filename().string() + " (PID: " + std::to_string(::getpid()) + ")";
}

int main() {
  std::string directory = fs::temp_directory_path() / "images.XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) return 1;

  std::vector<std::string> images;
  for (int i = 0; i < 10; ++i) {
    Image image{64, 48};
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        image.at(x, y, 0) = static_cast<unsigned char>(4 * x);
        image.at(x, y, 1) = static_cast<unsigned char>(5 * y);
        image.at(x, y, 2) = static_cast<unsigned char>(20 * i);
      }
    }
    images.push_back(directory + "/img_" + std::to_string(i) + ".ppm");
    write(images.back(), image);
  }

  std::cout << "Début du traitement...\n";
  {
    partage::Pool pool(4);
    for (const std::string& result : pool.imap_unordered(process_image, images)) std::cout << "✅ " << result << '\n';
  }
  for (int i = 0; i < 10; ++i) {
    Image thumb = read(directory + "/img_" + std::to_string(i) + "_thumb.ppm");
    std::cout << "img_" << i << "_thumb.ppm: " << thumb.width << 'x' << thumb.height << ", dernier pixel";
    for (std::size_t colour = 0; colour < 3; ++colour) std::cout << ' ' << int{thumb.at(7, 5, colour)};
    std::cout << '\n';
  }
  fs::remove_all(directory);
  std::cout << "Traitement terminé.\n";
}
