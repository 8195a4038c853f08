/* The JET interface of the Extensible Storage Engine over Stillframe's engine. C11 and C++.
 *
 * Names, numbers and structures are those that programs for Windows know; docs/jet_parity.md says
 * of each call and flag whether it is offered, how it differs, or with which error it is refused.
 * What is not declared here is not offered.
 *
 * Text comes in two forms: calls that end in A take UTF-8, those that end in W UTF-16 in char16_t.
 * Without an ending, a name means the A form, or the W form where JET_UNICODE is defined. Paths are
 * those of this machine; relative ones begin at the working directory of the moment.
 *
 * Every call may come from any thread. A session is used by one thread at a time, and inside a
 * transaction by the one that began it; anything else is told JET_errSessionSharingViolation.
 * Handles are numbers that are never given out twice, so one that is closed, foreign or invented is
 * told so. No call throws or unwinds. A call that fails leaves what it would have filled in
 * undefined, unless its comment says otherwise.
 *
 * Results are 0, a negative error, or a positive warning with the call's work done. For the text of
 * the last error of a thread see JET_paramErrorToString. */
#ifndef STILLFRAME_ESE_JET_H
#define STILLFRAME_ESE_JET_H

#include <stdint.h>

#include <stillframe/ese/jet_backup.h>
#include <stillframe/ese/jet_constants.h>
#include <stillframe/ese/jet_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- System parameters. A value is in lParam or in sz, by its kind: the other one is ignored.
 * pinstance NULL: those that instances begin with, and those of the whole process. */

JET_ERR JET_API JetSetSystemParameterA(JET_INSTANCE* pinstance, JET_SESID sesid, uint32_t paramid,
                                       JET_API_PTR lParam, JET_PCSTR szParam);
JET_ERR JET_API JetSetSystemParameterW(JET_INSTANCE* pinstance, JET_SESID sesid, uint32_t paramid,
                                       JET_API_PTR lParam, JET_PCWSTR szParam);
JET_ERR JET_API JetGetSystemParameterA(JET_INSTANCE instance, JET_SESID sesid, uint32_t paramid,
                                       JET_API_PTR* plParam, char* szParam, uint32_t cbMax);
JET_ERR JET_API JetGetSystemParameterW(JET_INSTANCE instance, JET_SESID sesid, uint32_t paramid,
                                       JET_API_PTR* plParam, char16_t* szParam, uint32_t cbMax);
JET_ERR JET_API JetEnableMultiInstanceA(JET_SETSYSPARAM_A* psetsysparam, uint32_t csetsysparam,
                                        uint32_t* pcsetsucceed);
JET_ERR JET_API JetEnableMultiInstanceW(JET_SETSYSPARAM_W* psetsysparam, uint32_t csetsysparam,
                                        uint32_t* pcsetsucceed);

/* ---- Instances. JetInit of no instance begins the one of a process that has one; after an error
 * there is none, and none is to be ended. */

JET_ERR JET_API JetCreateInstanceA(JET_INSTANCE* pinstance, JET_PCSTR szInstanceName);
JET_ERR JET_API JetCreateInstanceW(JET_INSTANCE* pinstance, JET_PCWSTR szInstanceName);
JET_ERR JET_API JetCreateInstance2A(JET_INSTANCE* pinstance, JET_PCSTR szInstanceName,
                                    JET_PCSTR szDisplayName, JET_GRBIT grbit);
JET_ERR JET_API JetCreateInstance2W(JET_INSTANCE* pinstance, JET_PCWSTR szInstanceName,
                                    JET_PCWSTR szDisplayName, JET_GRBIT grbit);
JET_ERR JET_API JetInit(JET_INSTANCE* pinstance);
JET_ERR JET_API JetInit2(JET_INSTANCE* pinstance, JET_GRBIT grbit);
/* prstInfo may be NULL: then every database is where the log says. With a map those that it does
 * not name are left out, and -1216 if they were in use, unless JET_bitReplayMissingMapEntryDB. */
JET_ERR JET_API JetInit3A(JET_INSTANCE* pinstance, JET_RSTINFO_A* prstInfo, JET_GRBIT grbit);
JET_ERR JET_API JetInit3W(JET_INSTANCE* pinstance, JET_RSTINFO_W* prstInfo, JET_GRBIT grbit);
JET_ERR JET_API JetInit4A(JET_INSTANCE* pinstance, JET_RSTINFO2_A* prstInfo, JET_GRBIT grbit);
JET_ERR JET_API JetInit4W(JET_INSTANCE* pinstance, JET_RSTINFO2_W* prstInfo, JET_GRBIT grbit);
JET_ERR JET_API JetTerm(JET_INSTANCE instance);
JET_ERR JET_API JetTerm2(JET_INSTANCE instance, JET_GRBIT grbit);
JET_ERR JET_API JetStopService(void);
JET_ERR JET_API JetStopServiceInstance(JET_INSTANCE instance);
JET_ERR JET_API JetStopServiceInstance2(JET_INSTANCE instance, JET_GRBIT grbit);
JET_ERR JET_API JetGetInstanceInfoA(uint32_t* pcInstanceInfo, JET_INSTANCE_INFO_A** paInstanceInfo);
JET_ERR JET_API JetGetInstanceInfoW(uint32_t* pcInstanceInfo, JET_INSTANCE_INFO_W** paInstanceInfo);
JET_ERR JET_API JetFreeBuffer(char* pbBuf);
JET_ERR JET_API JetGetVersion(JET_SESID sesid, uint32_t* pwVersion);

/* ---- Sessions and transactions */

JET_ERR JET_API JetBeginSessionA(JET_INSTANCE instance, JET_SESID* psesid, JET_PCSTR szUserName,
                                 JET_PCSTR szPassword);
JET_ERR JET_API JetBeginSessionW(JET_INSTANCE instance, JET_SESID* psesid, JET_PCWSTR szUserName,
                                 JET_PCWSTR szPassword);
JET_ERR JET_API JetDupSession(JET_SESID sesid, JET_SESID* psesid);
JET_ERR JET_API JetEndSession(JET_SESID sesid, JET_GRBIT grbit);
JET_ERR JET_API JetSetSessionContext(JET_SESID sesid, JET_API_PTR ulContext);
JET_ERR JET_API JetResetSessionContext(JET_SESID sesid);
JET_ERR JET_API JetBeginTransaction(JET_SESID sesid);
JET_ERR JET_API JetBeginTransaction2(JET_SESID sesid, JET_GRBIT grbit);
JET_ERR JET_API JetCommitTransaction(JET_SESID sesid, JET_GRBIT grbit);
JET_ERR JET_API JetRollback(JET_SESID sesid, JET_GRBIT grbit);
JET_ERR JET_API JetIdle(JET_SESID sesid, JET_GRBIT grbit);

/* ---- Databases */

JET_ERR JET_API JetCreateDatabaseA(JET_SESID sesid, JET_PCSTR szFilename, JET_PCSTR szConnect,
                                   JET_DBID* pdbid, JET_GRBIT grbit);
JET_ERR JET_API JetCreateDatabaseW(JET_SESID sesid, JET_PCWSTR szFilename, JET_PCWSTR szConnect,
                                   JET_DBID* pdbid, JET_GRBIT grbit);
JET_ERR JET_API JetCreateDatabase2A(JET_SESID sesid, JET_PCSTR szFilename,
                                    uint32_t cpgDatabaseSizeMax, JET_DBID* pdbid, JET_GRBIT grbit);
JET_ERR JET_API JetCreateDatabase2W(JET_SESID sesid, JET_PCWSTR szFilename,
                                    uint32_t cpgDatabaseSizeMax, JET_DBID* pdbid, JET_GRBIT grbit);
JET_ERR JET_API JetAttachDatabaseA(JET_SESID sesid, JET_PCSTR szFilename, JET_GRBIT grbit);
JET_ERR JET_API JetAttachDatabaseW(JET_SESID sesid, JET_PCWSTR szFilename, JET_GRBIT grbit);
JET_ERR JET_API JetAttachDatabase2A(JET_SESID sesid, JET_PCSTR szFilename,
                                    uint32_t cpgDatabaseSizeMax, JET_GRBIT grbit);
JET_ERR JET_API JetAttachDatabase2W(JET_SESID sesid, JET_PCWSTR szFilename,
                                    uint32_t cpgDatabaseSizeMax, JET_GRBIT grbit);
JET_ERR JET_API JetDetachDatabaseA(JET_SESID sesid, JET_PCSTR szFilename);
JET_ERR JET_API JetDetachDatabaseW(JET_SESID sesid, JET_PCWSTR szFilename);
JET_ERR JET_API JetDetachDatabase2A(JET_SESID sesid, JET_PCSTR szFilename, JET_GRBIT grbit);
JET_ERR JET_API JetDetachDatabase2W(JET_SESID sesid, JET_PCWSTR szFilename, JET_GRBIT grbit);
JET_ERR JET_API JetOpenDatabaseA(JET_SESID sesid, JET_PCSTR szFilename, JET_PCSTR szConnect,
                                 JET_DBID* pdbid, JET_GRBIT grbit);
JET_ERR JET_API JetOpenDatabaseW(JET_SESID sesid, JET_PCWSTR szFilename, JET_PCWSTR szConnect,
                                 JET_DBID* pdbid, JET_GRBIT grbit);
JET_ERR JET_API JetCloseDatabase(JET_SESID sesid, JET_DBID dbid, JET_GRBIT grbit);
JET_ERR JET_API JetGetDatabaseInfoA(JET_SESID sesid, JET_DBID dbid, void* pvResult, uint32_t cbMax,
                                    uint32_t InfoLevel);
JET_ERR JET_API JetGetDatabaseInfoW(JET_SESID sesid, JET_DBID dbid, void* pvResult, uint32_t cbMax,
                                    uint32_t InfoLevel);
JET_ERR JET_API JetGetDatabaseFileInfoA(JET_PCSTR szDatabaseName, void* pvResult, uint32_t cbMax,
                                        uint32_t InfoLevel);
JET_ERR JET_API JetGetDatabaseFileInfoW(JET_PCWSTR szDatabaseName, void* pvResult, uint32_t cbMax,
                                        uint32_t InfoLevel);
JET_ERR JET_API JetGetLogFileInfoA(JET_PCSTR szLog, void* pvResult, uint32_t cbMax,
                                   uint32_t InfoLevel);
JET_ERR JET_API JetGetLogFileInfoW(JET_PCWSTR szLog, void* pvResult, uint32_t cbMax,
                                   uint32_t InfoLevel);

/* ---- Tables, columns and indexes */

JET_ERR JET_API JetCreateTableA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName,
                                uint32_t lPages, uint32_t lDensity, JET_TABLEID* ptableid);
JET_ERR JET_API JetCreateTableW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName,
                                uint32_t lPages, uint32_t lDensity, JET_TABLEID* ptableid);
JET_ERR JET_API JetCreateTableColumnIndexA(JET_SESID sesid, JET_DBID dbid,
                                           JET_TABLECREATE_A* ptablecreate);
JET_ERR JET_API JetCreateTableColumnIndexW(JET_SESID sesid, JET_DBID dbid,
                                           JET_TABLECREATE_W* ptablecreate);
JET_ERR JET_API JetDeleteTableA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName);
JET_ERR JET_API JetDeleteTableW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName);
JET_ERR JET_API JetRenameTableA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szName,
                                JET_PCSTR szNameNew);
JET_ERR JET_API JetRenameTableW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szName,
                                JET_PCWSTR szNameNew);
JET_ERR JET_API JetOpenTableA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName,
                              const void* pvParameters, uint32_t cbParameters, JET_GRBIT grbit,
                              JET_TABLEID* ptableid);
JET_ERR JET_API JetOpenTableW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName,
                              const void* pvParameters, uint32_t cbParameters, JET_GRBIT grbit,
                              JET_TABLEID* ptableid);
JET_ERR JET_API JetCloseTable(JET_SESID sesid, JET_TABLEID tableid);
JET_ERR JET_API JetDupCursor(JET_SESID sesid, JET_TABLEID tableid, JET_TABLEID* ptableid,
                             JET_GRBIT grbit);
JET_ERR JET_API JetGetTableInfoA(JET_SESID sesid, JET_TABLEID tableid, void* pvResult,
                                 uint32_t cbMax, uint32_t InfoLevel);
JET_ERR JET_API JetGetTableInfoW(JET_SESID sesid, JET_TABLEID tableid, void* pvResult,
                                 uint32_t cbMax, uint32_t InfoLevel);
JET_ERR JET_API JetGetObjectInfoA(JET_SESID sesid, JET_DBID dbid, JET_OBJTYP objtyp,
                                  JET_PCSTR szContainerName, JET_PCSTR szObjectName, void* pvResult,
                                  uint32_t cbMax, uint32_t InfoLevel);
JET_ERR JET_API JetGetObjectInfoW(JET_SESID sesid, JET_DBID dbid, JET_OBJTYP objtyp,
                                  JET_PCWSTR szContainerName, JET_PCWSTR szObjectName,
                                  void* pvResult, uint32_t cbMax, uint32_t InfoLevel);
JET_ERR JET_API JetAddColumnA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName,
                              const JET_COLUMNDEF* pcolumndef, const void* pvDefault,
                              uint32_t cbDefault, JET_COLUMNID* pcolumnid);
JET_ERR JET_API JetAddColumnW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szColumnName,
                              const JET_COLUMNDEF* pcolumndef, const void* pvDefault,
                              uint32_t cbDefault, JET_COLUMNID* pcolumnid);
JET_ERR JET_API JetDeleteColumnA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName);
JET_ERR JET_API JetDeleteColumnW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szColumnName);
JET_ERR JET_API JetDeleteColumn2A(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName,
                                  JET_GRBIT grbit);
JET_ERR JET_API JetDeleteColumn2W(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szColumnName,
                                  JET_GRBIT grbit);
JET_ERR JET_API JetGetTableColumnInfoA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName,
                                       void* pvResult, uint32_t cbMax, uint32_t InfoLevel);
JET_ERR JET_API JetGetTableColumnInfoW(JET_SESID sesid, JET_TABLEID tableid,
                                       JET_PCWSTR szColumnName, void* pvResult, uint32_t cbMax,
                                       uint32_t InfoLevel);
JET_ERR JET_API JetGetColumnInfoA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName,
                                  JET_PCSTR szColumnName, void* pvResult, uint32_t cbMax,
                                  uint32_t InfoLevel);
JET_ERR JET_API JetGetColumnInfoW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName,
                                  JET_PCWSTR szColumnName, void* pvResult, uint32_t cbMax,
                                  uint32_t InfoLevel);
JET_ERR JET_API JetCreateIndexA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName,
                                JET_GRBIT grbit, JET_PCSTR szKey, uint32_t cbKey,
                                uint32_t lDensity);
JET_ERR JET_API JetCreateIndexW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName,
                                JET_GRBIT grbit, JET_PCWSTR szKey, uint32_t cbKey,
                                uint32_t lDensity);
JET_ERR JET_API JetCreateIndex2A(JET_SESID sesid, JET_TABLEID tableid,
                                 JET_INDEXCREATE_A* pindexcreate, uint32_t cIndexCreate);
JET_ERR JET_API JetCreateIndex2W(JET_SESID sesid, JET_TABLEID tableid,
                                 JET_INDEXCREATE_W* pindexcreate, uint32_t cIndexCreate);
JET_ERR JET_API JetDeleteIndexA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName);
JET_ERR JET_API JetDeleteIndexW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName);
JET_ERR JET_API JetGetTableIndexInfoA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName,
                                      void* pvResult, uint32_t cbMax, uint32_t InfoLevel);
JET_ERR JET_API JetGetTableIndexInfoW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName,
                                      void* pvResult, uint32_t cbMax, uint32_t InfoLevel);
JET_ERR JET_API JetGetIndexInfoA(JET_SESID sesid, JET_DBID dbid, JET_PCSTR szTableName,
                                 JET_PCSTR szIndexName, void* pvResult, uint32_t cbMax,
                                 uint32_t InfoLevel);
JET_ERR JET_API JetGetIndexInfoW(JET_SESID sesid, JET_DBID dbid, JET_PCWSTR szTableName,
                                 JET_PCWSTR szIndexName, void* pvResult, uint32_t cbMax,
                                 uint32_t InfoLevel);
JET_ERR JET_API JetGetCurrentIndexA(JET_SESID sesid, JET_TABLEID tableid, char* szIndexName,
                                    uint32_t cbIndexName);
JET_ERR JET_API JetGetCurrentIndexW(JET_SESID sesid, JET_TABLEID tableid, char16_t* szIndexName,
                                    uint32_t cbIndexName);
JET_ERR JET_API JetSetCurrentIndexA(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName);
JET_ERR JET_API JetSetCurrentIndexW(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName);
JET_ERR JET_API JetSetCurrentIndex2A(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName,
                                     JET_GRBIT grbit);
JET_ERR JET_API JetSetCurrentIndex2W(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName,
                                     JET_GRBIT grbit);
JET_ERR JET_API JetSetCurrentIndex3A(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName,
                                     JET_GRBIT grbit, uint32_t itagSequence);
JET_ERR JET_API JetSetCurrentIndex3W(JET_SESID sesid, JET_TABLEID tableid, JET_PCWSTR szIndexName,
                                     JET_GRBIT grbit, uint32_t itagSequence);

/* ---- Where a cursor stands */

JET_ERR JET_API JetMove(JET_SESID sesid, JET_TABLEID tableid, int32_t cRow, JET_GRBIT grbit);
JET_ERR JET_API JetMakeKey(JET_SESID sesid, JET_TABLEID tableid, const void* pvData,
                           uint32_t cbData, JET_GRBIT grbit);
JET_ERR JET_API JetSeek(JET_SESID sesid, JET_TABLEID tableid, JET_GRBIT grbit);
JET_ERR JET_API JetSetIndexRange(JET_SESID sesid, JET_TABLEID tableid, JET_GRBIT grbit);
JET_ERR JET_API JetRetrieveKey(JET_SESID sesid, JET_TABLEID tableid, void* pvKey, uint32_t cbMax,
                               uint32_t* pcbActual, JET_GRBIT grbit);
JET_ERR JET_API JetGetBookmark(JET_SESID sesid, JET_TABLEID tableid, void* pvBookmark,
                               uint32_t cbMax, uint32_t* pcbActual);
JET_ERR JET_API JetGotoBookmark(JET_SESID sesid, JET_TABLEID tableid, void* pvBookmark,
                                uint32_t cbBookmark);
JET_ERR JET_API JetGetSecondaryIndexBookmark(JET_SESID sesid, JET_TABLEID tableid,
                                             void* pvSecondaryKey, uint32_t cbSecondaryKeyMax,
                                             uint32_t* pcbSecondaryKeyActual,
                                             void* pvPrimaryBookmark, uint32_t cbPrimaryBookmarkMax,
                                             uint32_t* pcbPrimaryBookmarkActual, JET_GRBIT grbit);
JET_ERR JET_API JetGotoSecondaryIndexBookmark(JET_SESID sesid, JET_TABLEID tableid,
                                              void* pvSecondaryKey, uint32_t cbSecondaryKey,
                                              void* pvPrimaryBookmark, uint32_t cbPrimaryBookmark,
                                              JET_GRBIT grbit);
JET_ERR JET_API JetIndexRecordCount(JET_SESID sesid, JET_TABLEID tableid, uint32_t* pcrec,
                                    uint32_t crecMax);
JET_ERR JET_API JetGetRecordPosition(JET_SESID sesid, JET_TABLEID tableid, JET_RECPOS* precpos,
                                     uint32_t cbRecpos);
JET_ERR JET_API JetGotoPosition(JET_SESID sesid, JET_TABLEID tableid, JET_RECPOS* precpos);

/* ---- Rows */

JET_ERR JET_API JetPrepareUpdate(JET_SESID sesid, JET_TABLEID tableid, uint32_t prep);
JET_ERR JET_API JetSetColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid,
                             const void* pvData, uint32_t cbData, JET_GRBIT grbit,
                             JET_SETINFO* psetinfo);
JET_ERR JET_API JetSetColumns(JET_SESID sesid, JET_TABLEID tableid, JET_SETCOLUMN* psetcolumn,
                              uint32_t csetcolumn);
JET_ERR JET_API JetUpdate(JET_SESID sesid, JET_TABLEID tableid, void* pvBookmark,
                          uint32_t cbBookmark, uint32_t* pcbActual);
JET_ERR JET_API JetUpdate2(JET_SESID sesid, JET_TABLEID tableid, void* pvBookmark,
                           uint32_t cbBookmark, uint32_t* pcbActual, JET_GRBIT grbit);
JET_ERR JET_API JetDelete(JET_SESID sesid, JET_TABLEID tableid);
JET_ERR JET_API JetEscrowUpdate(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid,
                                void* pv, uint32_t cbMax, void* pvOld, uint32_t cbOldMax,
                                uint32_t* pcbOldActual, JET_GRBIT grbit);
JET_ERR JET_API JetGetLock(JET_SESID sesid, JET_TABLEID tableid, JET_GRBIT grbit);
JET_ERR JET_API JetRetrieveColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid,
                                  void* pvData, uint32_t cbData, uint32_t* pcbActual,
                                  JET_GRBIT grbit, JET_RETINFO* pretinfo);
JET_ERR JET_API JetRetrieveColumns(JET_SESID sesid, JET_TABLEID tableid,
                                   JET_RETRIEVECOLUMN* pretrievecolumn, uint32_t cretrievecolumn);
JET_ERR JET_API JetEnumerateColumns(JET_SESID sesid, JET_TABLEID tableid, uint32_t cEnumColumnId,
                                    JET_ENUMCOLUMNID* rgEnumColumnId, uint32_t* pcEnumColumn,
                                    JET_ENUMCOLUMN** prgEnumColumn, JET_PFNREALLOC pfnRealloc,
                                    void* pvReallocContext, uint32_t cbDataMost, JET_GRBIT grbit);

#define JetSetSystemParameter JET_CALL(JetSetSystemParameter)
#define JetGetSystemParameter JET_CALL(JetGetSystemParameter)
#define JetEnableMultiInstance JET_CALL(JetEnableMultiInstance)
#define JetCreateInstance JET_CALL(JetCreateInstance)
#define JetCreateInstance2 JET_CALL(JetCreateInstance2)
#define JetInit3 JET_CALL(JetInit3)
#define JetInit4 JET_CALL(JetInit4)
#define JetGetInstanceInfo JET_CALL(JetGetInstanceInfo)
#define JetBeginSession JET_CALL(JetBeginSession)
#define JetCreateDatabase JET_CALL(JetCreateDatabase)
#define JetCreateDatabase2 JET_CALL(JetCreateDatabase2)
#define JetAttachDatabase JET_CALL(JetAttachDatabase)
#define JetAttachDatabase2 JET_CALL(JetAttachDatabase2)
#define JetDetachDatabase JET_CALL(JetDetachDatabase)
#define JetDetachDatabase2 JET_CALL(JetDetachDatabase2)
#define JetOpenDatabase JET_CALL(JetOpenDatabase)
#define JetGetDatabaseInfo JET_CALL(JetGetDatabaseInfo)
#define JetGetDatabaseFileInfo JET_CALL(JetGetDatabaseFileInfo)
#define JetGetLogFileInfo JET_CALL(JetGetLogFileInfo)
#define JetCreateTable JET_CALL(JetCreateTable)
#define JetCreateTableColumnIndex JET_CALL(JetCreateTableColumnIndex)
#define JetDeleteTable JET_CALL(JetDeleteTable)
#define JetRenameTable JET_CALL(JetRenameTable)
#define JetOpenTable JET_CALL(JetOpenTable)
#define JetGetTableInfo JET_CALL(JetGetTableInfo)
#define JetGetObjectInfo JET_CALL(JetGetObjectInfo)
#define JetAddColumn JET_CALL(JetAddColumn)
#define JetDeleteColumn JET_CALL(JetDeleteColumn)
#define JetDeleteColumn2 JET_CALL(JetDeleteColumn2)
#define JetGetTableColumnInfo JET_CALL(JetGetTableColumnInfo)
#define JetGetColumnInfo JET_CALL(JetGetColumnInfo)
#define JetCreateIndex JET_CALL(JetCreateIndex)
#define JetCreateIndex2 JET_CALL(JetCreateIndex2)
#define JetDeleteIndex JET_CALL(JetDeleteIndex)
#define JetGetTableIndexInfo JET_CALL(JetGetTableIndexInfo)
#define JetGetIndexInfo JET_CALL(JetGetIndexInfo)
#define JetGetCurrentIndex JET_CALL(JetGetCurrentIndex)
#define JetSetCurrentIndex JET_CALL(JetSetCurrentIndex)
#define JetSetCurrentIndex2 JET_CALL(JetSetCurrentIndex2)
#define JetSetCurrentIndex3 JET_CALL(JetSetCurrentIndex3)

#ifdef __cplusplus
}
#endif

#endif /* STILLFRAME_ESE_JET_H */
