// PARTAGE_API marks what a shared build of the library shows to its users; everything else is hidden.
// Put it on classes and functions that are declared in an installed header and defined in a .cpp file.
#pragma once

#define PARTAGE_API __attribute__((visibility("default")))
