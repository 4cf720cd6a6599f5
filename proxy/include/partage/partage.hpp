// Everything: Manager, the handles it makes, processes, the element types of the library, and its errors.
//
// Thread and process safety, errors, examples: in the header of each concept.
#pragma once

#include <partage/array.hpp>
#include <partage/barrier.hpp>
#include <partage/condition.hpp>
#include <partage/connection.hpp>
#include <partage/dict.hpp>
#include <partage/error.hpp>
#include <partage/event.hpp>
#include <partage/heap.hpp>
#include <partage/list.hpp>
#include <partage/lock.hpp>
#include <partage/log.hpp>
#include <partage/manager.hpp>
#include <partage/message_queue.hpp>
#include <partage/named.hpp>
#include <partage/namespace.hpp>
#include <partage/object.hpp>
#include <partage/ordered_dict.hpp>
#include <partage/pool.hpp>
#include <partage/process.hpp>
#include <partage/process_handle.hpp>
#include <partage/function_ref.hpp>
#include <partage/registered.hpp>
#include <partage/queue.hpp>
#include <partage/semaphore.hpp>
#include <partage/server.hpp>
#include <partage/set.hpp>
#include <partage/start_method.hpp>
#include <partage/value.hpp>
#include <partage/wait.hpp>
