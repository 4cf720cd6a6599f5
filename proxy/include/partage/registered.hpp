// What other processes know by name: functions, and classes derived from Process.
//
//   double mean(std::vector<double> values);
//   PARTAGE_FUNCTION(mean);                        // at namespace scope: FunctionRef can refer to it
//
//   struct Reader : partage::Process {
//     std::string file;
//     template <class Archive> void serialize(Archive& ar, unsigned) { ar & file; }
//     void run() override;
//   };
//   PARTAGE_PROCESS(Reader);                       // may be started by spawn and forkserver; default-constructible
//
// A Process made from a function needs neither: the child runs the same program, and the function is where it was.
// Both macros are for namespace scope, in a source file of the program; in several files they may name the same thing.
// Thread safety: registered before main(), read afterwards.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>

#include <boost/serialization/access.hpp>

#include <partage/codec/codec.hpp>
#include <partage/engine/code_address.hpp>
#include <partage/engine/parcel.hpp>
#include <partage/export.hpp>
#include <partage/process.hpp>

namespace partage::engine {

/// `name` is what the source calls the function; `type` its description.
PARTAGE_API void register_function(std::string name, std::string type, Code code);
/// Throws ValueError, saying what to do, when it is not registered.
PARTAGE_API std::string name_of_function(Code code, const std::string& type);
PARTAGE_API Code function_named(const std::string& name, const std::string& type);

template <class R, class... A>
std::string function_type() {
  std::string text = "function<";
  if constexpr (std::is_void_v<R>) {
    text += "void";
  } else {
    text += codec::description<std::remove_cvref_t<R>>();
  }
  text += '(';
  std::string separator;
  ((text += std::exchange(separator, ",") + codec::description<std::remove_cvref_t<A>>()), ...);
  return text + ")>";
}

struct RegisteredFunction {
  template <class R, class... A>
  RegisteredFunction(const char* name, R (*function)(A...)) {
    register_function(name, function_type<R, A...>(), reinterpret_cast<Code>(function));
  }
};

namespace process {

struct ProcessClass {
  std::string name;
  Parcel (*pack)(const Process&);
  std::unique_ptr<Process> (*make)(const Parcel&);
};
PARTAGE_API void register_class(const std::type_info& type, const ProcessClass& description);

template <class Class>
struct RegisteredProcess {
  static constexpr bool has_state = codec::probe::has_serialize<Class>();
  static_assert(std::is_base_of_v<Process, Class>,
                "partage: PARTAGE_PROCESS is for classes derived from partage::Process");
  static_assert(
      std::is_default_constructible_v<Class>,
      "partage: a class of PARTAGE_PROCESS needs a default constructor, because a spawned child makes its own "
      "object before it reads what serialize() wrote");
  static_assert(
      has_state || sizeof(Class) == sizeof(Process),
      "partage: a class of PARTAGE_PROCESS with members needs a serialize() as for Boost.Serialization, which "
      "says what a spawned child gets");

  RegisteredProcess() { register_class(typeid(Class), {codec::type_name<Class>(), pack, make}); }

  static Parcel pack(const Process& process) {
    Parcel parcel;
    parcel.type = codec::type_name<Class>();
    if constexpr (has_state) {
      const codec::Scratch scratch;
      {
        const Packing packing(*scratch, parcel);
        codec::OutArchive archive(*scratch);
        boost::serialization::serialize_adl(archive, const_cast<Class&>(static_cast<const Class&>(process)), 0u);
      }
      parcel.bytes.assign(scratch->data(), scratch->data() + scratch->size());
    }
    return parcel;
  }

  static std::unique_ptr<Process> make(const Parcel& parcel) {
    auto made = std::make_unique<Class>();
    if constexpr (has_state) {
      codec::Reader reader(parcel.bytes.data(), parcel.bytes.size(), parcel.objects);
      const Unpacking unpacking(reader, parcel);
      codec::InArchive archive(reader);
      boost::serialization::serialize_adl(archive, *made, 0u);
    }
    return made;
  }
};

}  // namespace process
}  // namespace partage::engine

#define PARTAGE_DETAIL_JOIN(a, b)   a##b
#define PARTAGE_DETAIL_UNIQUE(a, b) PARTAGE_DETAIL_JOIN(a, b)

/// The argument may contain commas: PARTAGE_FUNCTION(less<int, long>);
#define PARTAGE_FUNCTION(...)                                                                               \
  static const ::partage::engine::RegisteredFunction PARTAGE_DETAIL_UNIQUE(partage_function_, __COUNTER__)( \
      #__VA_ARGS__, __VA_ARGS__)

#define PARTAGE_PROCESS(...)                                                                                      \
  static const ::partage::engine::process::RegisteredProcess<__VA_ARGS__> PARTAGE_DETAIL_UNIQUE(partage_process_, \
                                                                                                __COUNTER__) {}
