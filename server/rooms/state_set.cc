#include "server/rooms/state_set.h"

#include <algorithm>

namespace innkeeper::rooms {

const StateSet::Chunk* StateSet::FindChunk(size_t number) const {
  return chunks_ == nullptr || number >= chunks_->size() ? nullptr : (*chunks_)[number].get();
}

std::optional<EventIndex> StateSet::Find(PlaceIndex place) const {
  const Chunk* const chunk = FindChunk(place / kChunkPlaces);
  if (chunk == nullptr) return std::nullopt;
  const EventIndex event = (*chunk)[place % kChunkPlaces];
  return event == kNoEvent ? std::nullopt : std::optional(event);
}

EventIndex& StateSet::Writable(PlaceIndex place) {
  if (chunks_ == nullptr) {
    chunks_ = std::make_shared<Chunks>();
  } else if (chunks_.use_count() > 1) {
    chunks_ = std::make_shared<Chunks>(*chunks_);
  }
  const size_t number = place / kChunkPlaces;
  if (number >= chunks_->size()) chunks_->resize(number + 1);
  std::shared_ptr<Chunk>& chunk = (*chunks_)[number];
  if (chunk == nullptr) {
    chunk = std::make_shared<Chunk>();
    chunk->fill(kNoEvent);
  } else if (chunk.use_count() > 1) {
    chunk = std::make_shared<Chunk>(*chunk);
  }
  return (*chunk)[place % kChunkPlaces];
}

void StateSet::Set(PlaceIndex place, EventIndex event) { Writable(place) = event; }

void StateSet::Erase(PlaceIndex place) {
  if (Find(place)) Writable(place) = kNoEvent;
}

void StateSet::ForEach(absl::FunctionRef<void(PlaceIndex, EventIndex)> visit) const {
  const size_t size = chunks_ == nullptr ? 0 : chunks_->size();
  for (size_t number = 0; number < size; ++number) {
    const Chunk* const chunk = FindChunk(number);
    if (chunk == nullptr) continue;
    for (size_t i = 0; i < kChunkPlaces; ++i) {
      if ((*chunk)[i] != kNoEvent) {
        visit(static_cast<PlaceIndex>(number * kChunkPlaces + i), (*chunk)[i]);
      }
    }
  }
}

void StateSet::ForEachDifference(const StateSet& a, const StateSet& b,
                                 absl::FunctionRef<void(PlaceIndex)> visit) {
  if (a.chunks_ == b.chunks_) return;
  const size_t size = std::max(a.chunks_ == nullptr ? 0 : a.chunks_->size(),
                               b.chunks_ == nullptr ? 0 : b.chunks_->size());
  for (size_t number = 0; number < size; ++number) {
    if (a.FindChunk(number) == b.FindChunk(number)) continue;
    for (size_t i = 0; i < kChunkPlaces; ++i) {
      const auto place = static_cast<PlaceIndex>(number * kChunkPlaces + i);
      if (a.Find(place) != b.Find(place)) visit(place);
    }
  }
}

bool StateSet::operator==(const StateSet& other) const {
  bool equal = true;
  ForEachDifference(*this, other, [&equal](PlaceIndex) { equal = false; });
  return equal;
}

}  // namespace innkeeper::rooms
