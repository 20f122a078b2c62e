#include "storage/rocksdb/database_options.h"

#include <memory>
#include <utility>

#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"
#include "storage/rocksdb/format.h"
#include "storage/rocksdb/info_log.h"

namespace innkeeper::storage::embedded {
namespace {

constexpr double kBloomBitsPerKey = 10;
constexpr double kMemtableBloomShare = 0.05;
constexpr int kNewFilesPerCompaction = 8;
constexpr size_t kHintPrefixBytes = 1;
constexpr size_t kLogBlockBytes = 32 << 10;
constexpr int kMaxOpenFiles = 512;
constexpr uint64_t kBytesPerSync = 1 << 20;

rocksdb::DBOptions MakeDbOptions(std::shared_ptr<rocksdb::Cache> cache, size_t write_buffer_bytes) {
  rocksdb::DBOptions options;
  // See docs/decisions/0002.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.paranoid_checks = true;
  // All column families reach table files together, so that the flushed head
  // tells what the write-ahead log must go on from.
  options.atomic_flush = true;
  // After an error of the disk the engine opens the database anew; nothing is to mend it
  // behind its back.
  options.max_bgerror_resume_count = 0;
  options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(write_buffer_bytes, std::move(cache));
  options.max_open_files = kMaxOpenFiles;
  // Or else the disk gets a table file all at once when it is complete, and commits wait.
  options.bytes_per_sync = kBytesPerSync;
  options.info_log = std::make_shared<InfoLog>();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

rocksdb::BlockBasedTableOptions MakeTableOptions(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  return table;
}

rocksdb::ColumnFamilyOptions MakeFamilyOptions(const rocksdb::BlockBasedTableOptions& table,
                                               size_t write_buffer_bytes) {
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // The write buffer manager decides when to flush; this must not be in its way.
  options.write_buffer_size = write_buffer_bytes;
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  // New rooms lie between all others, so that each compaction of new files rewrites the
  // next level: it pays to wait for more of them.
  options.level0_file_num_compaction_trigger = kNewFilesPerCompaction;
  return options;
}

// Most preconditions are about keys that do not exist: filters keep those cheap.
rocksdb::ColumnFamilyOptions MakeDataFamilyOptions(rocksdb::BlockBasedTableOptions table,
                                                   size_t write_buffer_bytes) {
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.whole_key_filtering = true;
  rocksdb::ColumnFamilyOptions options = MakeFamilyOptions(table, write_buffer_bytes);
  options.memtable_prefix_bloom_size_ratio = kMemtableBloomShare;
  options.memtable_whole_key_filtering = true;
  // Keys that begin alike are written side by side, so the place of one is found from that
  // of the last. Only where ranges are never deleted: RocksDB 7.8.3 would take these places
  // for those of its deleted ranges, too.
  options.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(kHintPrefixBytes));
  return options;
}

// The log is read in long stretches.
rocksdb::ColumnFamilyOptions MakeLogFamilyOptions(rocksdb::BlockBasedTableOptions table,
                                                  size_t write_buffer_bytes) {
  table.block_size = kLogBlockBytes;
  return MakeFamilyOptions(table, write_buffer_bytes);
}

}  // namespace

DatabaseSetup MakeDatabaseSetup(size_t block_cache_bytes, size_t write_buffer_bytes,
                                rocksdb::Env* env) {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(block_cache_bytes);
  const rocksdb::BlockBasedTableOptions table = MakeTableOptions(cache);
  DatabaseSetup setup;
  setup.database = MakeDbOptions(cache, write_buffer_bytes);
  if (env != nullptr) setup.database.env = env;
  setup.errors = std::make_shared<BackgroundErrors>();
  setup.database.listeners = {setup.errors};
  setup.families = {
      {rocksdb::kDefaultColumnFamilyName, MakeDataFamilyOptions(table, write_buffer_bytes)},
      {kLogFamily, MakeLogFamilyOptions(table, write_buffer_bytes)},
      {kMetaFamily, MakeFamilyOptions(table, write_buffer_bytes)},
  };
  return setup;
}

}  // namespace innkeeper::storage::embedded
