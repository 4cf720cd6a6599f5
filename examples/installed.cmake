# Builds the examples with the installed library:
#
#   cp -r /usr/share/doc/libpartage-dev/examples . && cmake -S examples -B build && cmake --build build
#
# One of them needs no CMake:  g++ -std=c++20 first_program.cpp $(pkg-config --cflags --libs partage)
cmake_minimum_required(VERSION 3.16)
project(partage-examples LANGUAGES CXX)

find_package(partage REQUIRED)
file(GLOB sources CONFIGURE_DEPENDS *.cpp)
foreach(source IN LISTS sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE partage::partage)
endforeach()
