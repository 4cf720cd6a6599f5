// What who looks at a word again and again has to know of the CPUs.
#pragma once

namespace partage::kernel {

/// The hint to the CPU that this thread only waits for another one.
inline void relax_cpu() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// The same for about that long. What the hint takes differs tenfold between CPUs, and is measured once.
void relax_cpu_for(unsigned nanoseconds) noexcept;

/// This process may run on more than one. Asked once.
bool several_cpus() noexcept;

}  // namespace partage::kernel
