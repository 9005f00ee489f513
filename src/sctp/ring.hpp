// A queue in one growable piece of memory: pushes and pops allocate nothing once it has grown.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace parley::sctp {

/// First in, first out, with access by position. T is default-constructible and movable.
template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return slots_[(head_ + i) & (slots_.size() - 1)]; }
  const T& operator[](std::size_t i) const { return slots_[(head_ + i) & (slots_.size() - 1)]; }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }

  void push_back(T value) {
    if (size_ == slots_.size()) grow();
    slots_[(head_ + size_) & (slots_.size() - 1)] = std::move(value);
    ++size_;
  }
  T pop_front() {
    T value = std::move(slots_[head_]);
    slots_[head_] = T{};
    head_ = (head_ + 1) & (slots_.size() - 1);
    --size_;
    return value;
  }
  /// Gives back the memory of an empty queue that has grown beyond `keep` places.
  void shrink(std::size_t keep) {
    if (size_ == 0 && slots_.size() > keep) {
      slots_ = {};
      head_ = 0;
    }
  }

 private:
  void grow() {
    std::vector<T> bigger(slots_.empty() ? 8 : slots_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) bigger[i] = std::move((*this)[i]);
    slots_ = std::move(bigger);
    head_ = 0;
  }
  std::vector<T> slots_;  // a power of two in size
  std::size_t head_ = 0;
  std::size_t size_ = 0;
};

}  // namespace parley::sctp
