// The codec layer, whole: T <-> bytes (encode, decode, keys), descriptions, and Python's repr.
#pragma once

#include <partage/codec/boost_archive.hpp>
#include <partage/codec/decode.hpp>
#include <partage/codec/description.hpp>
#include <partage/codec/encode.hpp>
#include <partage/codec/key.hpp>
#include <partage/codec/object.hpp>
#include <partage/codec/repr.hpp>
#include <partage/codec/scratch.hpp>
