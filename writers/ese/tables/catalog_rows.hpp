// Tables, columns and indexes as rows of the catalog. docs/formats/catalog.md has its columns.
#pragma once

#include "writers/ese/format/catalog.hpp"
#include "writers/ese/format/schema.hpp"
#include "writers/ese/tables/row_builder.hpp"

namespace stillframe::ese {

CatalogRow row_of(const Table& table);
CatalogRow row_of(const Table& table, const Column& column);
CatalogRow row_of(const Table& table, const Index& index);
CatalogRow row_of_long_values(const Table& table, Objid objid, Pgno root);

// What a row of MSysObjects and its shadow holds. `offset` of a fixed column; 0 otherwise.
RowValues values_of(const CatalogRow& row, std::size_t offset);

// The tables that every database has, as a new one has them: where their trees are is fixed.
Table catalog_definition();
Table shadow_catalog_definition(std::size_t page_bytes);
// Which objects there are, and of which tables.
Table object_ids_definition(Pgno root);
inline constexpr Objid kObjectIds{6};
inline constexpr std::uint16_t kObjectIdsObject = 256, kObjectIdsTable = 257, kObjectIdsType = 258;

}  // namespace stillframe::ese
