#include "manager/container/sync_body.hpp"

#include <new>

namespace partage::kernel {

u64 build_sync(Change& change, const SyncConfig& config) {
  const Change::Run run = change.take_run(sizeof(SyncBody), Pool::list_body);
  auto& body = change.segment().at<SyncBody>(run.offset);
  Stripe& stripe = body.stripe;
  const Draft& draft = run.draft;
  if (body.config.load() == 0) {
    // As List::build: a lock that exists is not made again.
    new (&stripe.mutex) RobustMutex;
    draft.zero(&stripe.commit, (sizeof(Stripe) - offsetof(Stripe, commit)) / 8);
  }
  draft.zero(&body.initial, (offsetof(SyncBody, stripe) - offsetof(SyncBody, initial)) / 8);
  draft.set(body.initial, config.initial);
  draft.set(body.companion, config.companion);
  draft.set(body.patience, config.patience);
  for (Word& word : stripe.body) draft.set(word, 0);
  if (config.kind == SyncKind::semaphore) {
    draft.set(stripe.body[SyncBody::state], config.value.value_or(config.initial));
  }
  draft.set(stripe.owner, run.offset | static_cast<u64>(StripeKind::plain));
  compiler_barrier();
  draft.set(body.config, config.word());
  return run.offset;
}

}  // namespace partage::kernel
