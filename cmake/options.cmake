# Settings of our own targets. Nothing here reaches the users of the installed library.

# Sanitizers hold for everything that is built, so that all of one program agrees.
set(PARTAGE_TEST_ENVIRONMENT "")
if(PARTAGE_SANITIZE)
  add_compile_options(-fsanitize=${PARTAGE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${PARTAGE_SANITIZE})
  # What a sanitizer ends dies of SIGABRT: its exit code would be 1, which is what programs and children end with that refuse.
  set(PARTAGE_TEST_ENVIRONMENT
    "ASAN_OPTIONS=detect_stack_use_after_return=1:abort_on_error=1"
    "UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1"
    "TSAN_OPTIONS=halt_on_error=1:die_after_fork=0:second_deadlock_stack=1")
  if(PARTAGE_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # atomic_thread_fence is not modelled; the seqlock readers do not rest on it
  endif()
endif()

function(partage_own_target name)
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
