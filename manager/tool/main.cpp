// The `partage` program: runs managers, shows and changes what is in them, clears up after them.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/version.hpp>
#include <charconv>
#include <functional>
#include <iostream>
#include <partage/error.hpp>

#include "manager/schema/json_text.hpp"
#include "manager/tool/byte_size.hpp"
#include "manager/tool/commands.hpp"
#include "manager/tool/daemon_log.hpp"
#include "manager/tool/duration.hpp"
#include "manager/tool/failure.hpp"
#include "manager/tool/table.hpp"

namespace partage::tool {

void version(bool json) {
  if (json) {
    std::cout << schema::compact(boost::json::object{
                     {"version", PARTAGE_VERSION}, {"format", kernel::segment_format}, {"boost", BOOST_LIB_VERSION}})
              << '\n';
  } else {
    std::cout << "partage " PARTAGE_VERSION ", segment format " << kernel::segment_format << '\n';
  }
}

namespace {

bool heeds_sigpipe = true;  // nobody has told this program to ignore it

constexpr const char* footer =
    R"(OBJECT is the name of an object or '#' and its id (in quotes: the shell takes # for a comment).
KEY is a dict's key or a list's index; KEY and VALUE are JSON, or a text as it stands.
Write -- before words that begin with a dash.

Exit codes: 0 done; 1 an error; 2 wrong arguments; 3 no such manager, object, key or element;
4 serve: another process serves that name.)";

struct Arguments {
  std::string name, object, key, value;
  std::vector<std::string> words;  // behind the command, as they stand
  std::vector<std::string> names;
  std::string initial_size, max_size, long_wait = "60s";
  std::string log_level = "warning", log_file;
  std::size_t count = 0;
  bool json = false;
  bool cycles = false;
  bool quarantine = false;
  std::string file, every = "30s";
  bool all = false, replace = false;
  std::function<void()> run;  // what the command does, once all of the line is understood
};

const CLI::Validator is_size(
    [](std::string& text) {
      return parse_size(text) ? std::string() : "'" + text + "' is no size; write 4096, 64K, 100M or 16G";
    },
    "SIZE");

const CLI::Validator is_duration(
    [](std::string& text) {
      return parse_duration(text) ? std::string() : "'" + text + "' is no length of time; write 500ms, 30s, 5m or 1h";
    },
    "TIME");
const CLI::Validator is_interval(
    [](std::string& text) {
      const auto time = parse_duration(text);
      return time && time->count() > 0 ? std::string()
                                       : "'" + text + "' is no time to wait for; write 500ms, 30s, 5m or 1h";
    },
    "TIME");
const CLI::Validator is_level(
    [](std::string& text) {
      return is_log_level(text) ? std::string()
                                : "'" + text + "' is no level; write debug, info, warning, error or off";
    },
    "LEVEL");

const CLI::Validator is_limit(
    [](std::string& text) {
      const auto size = parse_size(text);
      return size && *size > 0 ? std::string() : "'" + text + "' is no size to grow to; write 4096, 64K, 100M or 16G";
    },
    "SIZE");
const CLI::Validator is_count(
    [](std::string& text) {
      std::size_t n = 0;
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data(), end, n);
      if (error != std::errc() || stop != end || n == 0) return "'" + text + "' is no count; write 1 or more";
      text = std::to_string(n);  // without zeros in front, which would make it octal
      return std::string();
    },
    "N");

const CLI::Validator is_file(
    [](std::string& text) { return text.empty() ? std::string("an empty word names no file") : std::string(); },
    "FILE");

double seconds_in(const std::string& text) {
  return std::chrono::duration<double>(parse_duration(text).value()).count();
}

std::size_t size_in(const std::string& text) {
  return text.empty() ? 0 : parse_size(text).value();
}

/// Of a command that has nothing else but flags, when its words have been found right. CLI11 makes two names of [a,b].
std::vector<std::string> names_in(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  bool flags = true;
  for (const std::string& word : words) {
    if (flags && word == "--") {
      flags = false;
    } else if (!flags || word == "-" || !word.starts_with('-')) {
      names.push_back(word);
    }
  }
  return names;
}

/// nullopt for a word that was not given.
std::optional<std::string> given(const CLI::App& command, const char* name, const std::string& word) {
  return command.count(name) != 0 ? std::optional(word) : std::nullopt;
}

void add_commands(CLI::App& app, Arguments& a) {
  const auto command = [&](const char* name, const char* what) {
    CLI::App* c = app.add_subcommand(name, what);
    c->footer(footer);
    return c;
  };
  const auto json_option = [&](CLI::App* c) { c->add_flag("--json", a.json, "One line of JSON"); };

  CLI::App* c = command("serve", "Be the manager NAME until Ctrl-C, SIGTERM or `partage stop`");
  c->add_option("NAME", a.name, "The manager; what a dead one of that name left is taken over")->required();
  c->add_option("--max-size", a.max_size, "Bytes it may grow to, 16G unless limits say less")->check(is_limit);
  c->add_option("--initial-size", a.initial_size, "Bytes it begins with")->check(is_size);
  c->add_option("--snapshot", a.file, "A file that keeps what is in it: loaded at the start, written again and again")
      ->check(is_file);
  c->add_option("--every", a.every, "How often: 500ms, 30s (if nothing is said), 5m, 1h")
      ->check(is_interval)
      ->needs("--snapshot");
  c->add_option("--log-level", a.log_level, "debug, info, warning (without this), error or off")->check(is_level);
  c->add_option("--log-file", a.log_file, "Appends the log to this file; without it, stderr has it")->check(is_file);
  c->callback([&a] {
    a.run = [&a] {
      write_log(a.log_level, a.log_file);
      std::optional<SnapshotOptions> snapshots;
      if (!a.file.empty()) snapshots = {.file = a.file, .every = parse_duration(a.every).value()};
      serve(a.name, {size_in(a.initial_size), size_in(a.max_size)}, snapshots);
    };
  });

  c = command("stop", "End the manager NAME and everything in it");
  c->add_option("NAME", a.name, "The manager")->required();
  c->callback([&a] { a.run = [&a] { stop(a.name); }; });

  c = command("ls", "Show the managers of this machine, or the objects of one");
  CLI::App* ls = c;
  c->add_option("NAME", a.name, "The manager");
  json_option(c);
  c->add_flag("--cycles", a.cycles, "Only objects that keep each other, a group a line")->needs("NAME");
  c->callback([&a, ls] {
    a.run = [&a, ls] {
      if (ls->count("NAME") == 0) return list_managers(a.json);
      a.cycles ? list_cycles(a.name, a.json) : list_objects(a.name, a.json);
    };
  });

  c = command("locks", "Show who holds and who waits in the objects of a manager, and deadlocks");
  c->add_option("NAME", a.name, "The manager")->required();
  json_option(c);
  c->callback([&a] { a.run = [&a] { locks(a.name, a.json); }; });

  c = command("doctor", "Say what is wrong with a manager, or with all of this machine, and what to do");
  CLI::App* doctor_command = c;
  c->add_option("NAME", a.name, "The manager");
  c->add_option("--long-wait", a.long_wait, "What is too long for a lock; 60s")->check(is_duration);
  json_option(c);
  c->callback([&a, doctor_command] {
    a.run = [&a, doctor_command] { doctor(given(*doctor_command, "NAME", a.name), seconds_in(a.long_wait), a.json); };
  });

  c = command("stat", "Show how much is done with the objects of a manager, and what they take");
  CLI::App* stat_command = c;
  c->add_option("NAME", a.name, "The manager")->required();
  c->add_option("--every", a.every, "Show it again each time that this has passed")->check(is_interval);
  c->add_option("--count", a.count, "So often; without it, until Ctrl-C")->needs("--every")->check(is_count);
  json_option(c);
  c->callback([&a, stat_command] {
    a.run = [&a, stat_command] {
      const auto every = given(*stat_command, "--every", a.every);
      stat(a.name, every ? std::optional(seconds_in(*every)) : std::nullopt, a.count, a.json);
    };
  });

  c = command("top", "Show objects, processes, locks and what is done with them, live");
  c->add_option("NAME", a.name, "The manager")->required();
  c->callback([&a] { a.run = [&a] { top(a.name); }; });

  c = command("get", "Print an object, or one element of it, as JSON");
  CLI::App* get_command = c;
  c->add_option("NAME", a.name, "The manager")->required();
  c->add_option("OBJECT", a.object, "The object")->required();
  c->add_option("KEY", a.key, "The element");
  json_option(c);
  c->callback([&a, get_command] {
    a.run = [&a, get_command] { get(a.name, a.object, given(*get_command, "KEY", a.key), a.json); };
  });

  c = command("set", "Set one element of an object, or a value; a dict's key may be new");
  CLI::App* set_command = c;
  c->add_option("NAME", a.name, "The manager")->required();
  c->add_option("OBJECT", a.object, "The object")->required();
  c->add_option("KEY", a.key, "The element; left out when the object is a value")->required();
  c->add_option("VALUE", a.value, "Its new value");
  c->callback([&a, set_command] {
    a.run = [&a, set_command] {
      if (set_command->count("VALUE") != 0) {
        set(a.name, a.object, a.key, a.value);
      } else {  // one word behind the object is the value
        set(a.name, a.object, std::nullopt, a.key);
      }
    };
  });

  c = command("del", "Delete one element of an object, or take an object's name away");
  CLI::App* del_command = c;
  c->add_option("NAME", a.name, "The manager")->required();
  c->add_option("OBJECT", a.object, "The object")->required();
  c->add_option("KEY", a.key, "The element");
  c->callback(
      [&a, del_command] { a.run = [&a, del_command] { del(a.name, a.object, given(*del_command, "KEY", a.key)); }; });

  c = command("check", "Look whether everything in the manager NAME is whole, while others work in it");
  c->add_option("NAME", a.name, "The manager")->required();
  c->add_flag("--quarantine", a.quarantine, "Take damaged objects out of use");
  json_option(c);
  c->callback([&a] { a.run = [&a] { check(a.name, a.quarantine, a.json); }; });

  c = command("clean", "Remove what managers left whose processes are all gone, and message queues that are named");
  c->add_option("NAME", a.names, "Only these");
  json_option(c);
  c->callback([&a] { a.run = [&a] { clean(names_in(a.words), a.json); }; });

  c = command("dump", "Print all objects of a manager as JSON that `load` reads");
  c->add_option("NAME", a.name, "The manager")->required();
  c->add_flag("--all", a.all, "Also objects that no name leads to");
  json_option(c);
  c->callback([&a] { a.run = [&a] { dump(a.name, a.all, a.json); }; });

  c = command("load", "Make the objects of a dump or a snapshot, all or none");
  c->add_option("NAME", a.name, "The manager")->required();
  c->add_option("FILE", a.file, "What `dump` or `serve --snapshot` has written; left out: stdin")->check(is_file);
  c->add_flag("--replace", a.replace, "Objects whose names are taken take their places");
  c->callback([&a] { a.run = [&a] { load(a.name, a.file.empty() ? "-" : a.file, a.replace); }; });

  c = command("version", "Print the version");
  json_option(c);
  c->callback([&a] { a.run = [&a] { version(a.json); }; });
}

/// Whoever read the output has enough of it. SIGPIPE is ignored so that all is given back first; then it has its way.
void end_if_nobody_reads() {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (std::cout || !heeds_sigpipe || ::poll(&out, 1, 0) != 1 || (out.revents & (POLLERR | POLLHUP)) == 0) return;
  ::signal(SIGPIPE, SIG_DFL);
  ::raise(SIGPIPE);
}

int fail(Exit code, const std::string& sentence) {
  std::cout.flush();
  end_if_nobody_reads();
  std::cerr << harmless(sentence) << '\n';
  return static_cast<int>(code);
}

/// Whoever starts us with closed ones would have us write our words into the next file we open, which may be a segment.
void open_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);  // the lowest free number
  }
}

int run(int argc, char** argv) {
  heeds_sigpipe = ::signal(SIGPIPE, SIG_IGN) != SIG_IGN;
  CLI::App app("Shared lists, dicts and their kin: managers, and what is in them.", "partage");
  app.require_subcommand(1);
  app.footer(footer);
  app.set_version_flag("--version", "partage " PARTAGE_VERSION);
  Arguments arguments;
  if (argc > 2) arguments.words.assign(argv + 2, argv + argc);
  add_commands(app, arguments);
  try {
    app.parse(argc, argv);
    arguments.run();
  } catch (const CLI::Success& e) {  // --help
    app.exit(e);
  } catch (const CLI::ParseError& e) {
    if (argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty()) {
      return fail(Exit::misused, "partage: '" + std::string(argv[1]) + "' is no command; `partage --help` names all");
    }
    return fail(Exit::misused, std::string("partage: ") + e.what() + "; `partage --help` says more");
  } catch (const Failure& e) {
    return fail(e.code, e.sentence);
  } catch (const Error& e) {
    return fail(Exit::failed, e.what());
  }
  std::cout.flush();
  return std::cout ? 0 : fail(Exit::failed, "partage: the output could not be written");
}

}  // namespace
}  // namespace partage::tool

int main(int argc, char** argv) {
  using partage::tool::Exit;
  partage::tool::open_standard_streams();
  try {
    return partage::tool::run(argc, argv);
  } catch (const std::exception& e) {
    return partage::tool::fail(Exit::failed, std::string("partage: ") + e.what());
  }
}
