/* Types and structures of the JET interface: part of jet.h, which says what they are for. */
#ifndef STILLFRAME_ESE_JET_TYPES_H
#define STILLFRAME_ESE_JET_TYPES_H

#include <stddef.h>
#include <stdint.h>
#ifndef __cplusplus
#include <uchar.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types */

#define JET_API

typedef int32_t JET_ERR;
typedef uint32_t JET_GRBIT;
typedef uintptr_t JET_API_PTR;
typedef JET_API_PTR JET_INSTANCE;
typedef JET_API_PTR JET_SESID;
typedef JET_API_PTR JET_TABLEID;
typedef JET_API_PTR JET_HANDLE;
typedef JET_API_PTR JET_OSSNAPID;
typedef uint32_t JET_DBID;
typedef uint32_t JET_COLUMNID;
typedef uint32_t JET_COLTYP;
typedef uint32_t JET_OBJTYP;
typedef uint32_t JET_SNP;
typedef uint32_t JET_SNT;
typedef double JET_DATESERIAL;
typedef const char* JET_PCSTR;
typedef const char16_t* JET_PCWSTR;

#define JET_instanceNil ((JET_INSTANCE) ~(JET_API_PTR)0)
#define JET_sesidNil ((JET_SESID) ~(JET_API_PTR)0)
#define JET_tableidNil ((JET_TABLEID) ~(JET_API_PTR)0)
#define JET_dbidNil ((JET_DBID)0xFFFFFFFF)
#define JET_columnidNil ((JET_COLUMNID)0xFFFFFFFF)

/* Told of the progress of recovery and of restores (snp is JET_snpRestore) and of JetBackup
 * (JET_snpBackup): sesid is nil, and pv a JET_SNPROG. What it returns is not looked at. It is
 * called in the thread of the call. */
typedef JET_ERR(JET_API* JET_PFNSTATUS)(JET_SESID sesid, JET_SNP snp, JET_SNT snt, void* pv);
typedef JET_ERR(JET_API* JET_PFNINITCALLBACK)(JET_SNP snp, JET_SNT snt, void* pv, void* pvContext);
/* Allocates, resizes (cb > 0) and frees (cb = 0), as realloc() does. */
typedef void*(JET_API* JET_PFNREALLOC)(void* pvContext, void* pv, uint32_t cb);

/* ---- Structures. Sizes are those of 64-bit Windows. */

typedef struct {
  uint32_t cbStruct;
  uint32_t cunitDone;
  uint32_t cunitTotal; /* 100 */
} JET_SNPROG;

typedef struct {
  char bSeconds, bMinutes, bHours, bDay, bMonth;
  char bYear; /* since 1900 */
  uint8_t fTimeIsUTC : 1, bMillisecondsLow : 7;
  uint8_t fOSSnapshot : 1, bMillisecondsHigh : 3, fUnused : 4;
} JET_LOGTIME;

typedef JET_LOGTIME JET_BKLOGTIME;

typedef struct {
  uint16_t ib;
  uint16_t isec;
  int32_t lGeneration;
} JET_LGPOS;

typedef struct {
  uint32_t ulRandom;
  JET_LOGTIME logtimeCreate;
  char szComputerName[16];
} JET_SIGNATURE;

typedef struct {
  JET_LGPOS lgposMark;
  JET_BKLOGTIME bklogtimeMark;
  uint32_t genLow;
  uint32_t genHigh;
} JET_BKINFO;

/* What the versions of JET_DBINFOMISC have in common. */
#define JET_DBINFOMISC_FIELDS                                                             \
  uint32_t ulVersion, ulUpdate;                                                           \
  JET_SIGNATURE signDb;                                                                   \
  uint32_t dbstate;                                                                       \
  JET_LGPOS lgposConsistent;                                                              \
  JET_LOGTIME logtimeConsistent, logtimeAttach;                                           \
  JET_LGPOS lgposAttach;                                                                  \
  JET_LOGTIME logtimeDetach;                                                              \
  JET_LGPOS lgposDetach;                                                                  \
  JET_SIGNATURE signLog;                                                                  \
  JET_BKINFO bkinfoFullPrev, bkinfoIncPrev, bkinfoFullCur;                                \
  uint32_t fShadowingDisabled, fUpgradeDb, dwMajorVersion, dwMinorVersion, dwBuildNumber, \
      lSPNumber, cbPageSize;

#define JET_DBINFOMISC2_FIELDS                \
  JET_DBINFOMISC_FIELDS                       \
  uint32_t genMinRequired, genMaxRequired;    \
  JET_LOGTIME logtimeGenMaxCreate;            \
  uint32_t ulRepairCount;                     \
  JET_LOGTIME logtimeRepair;                  \
  uint32_t ulRepairCountOld, ulECCFixSuccess; \
  JET_LOGTIME logtimeECCFixSuccess;           \
  uint32_t ulECCFixSuccessOld, ulECCFixFail;  \
  JET_LOGTIME logtimeECCFixFail;              \
  uint32_t ulECCFixFailOld, ulBadChecksum;    \
  JET_LOGTIME logtimeBadChecksum;             \
  uint32_t ulBadChecksumOld;

#define JET_DBINFOMISC4_FIELDS \
  JET_DBINFOMISC2_FIELDS       \
  uint32_t genCommitted;       \
  JET_BKINFO bkinfoCopyPrev, bkinfoDiffPrev;

#define JET_DBINFOMISC5_FIELDS                            \
  JET_DBINFOMISC4_FIELDS                                  \
  uint32_t ulIncrementalReseedCount;                      \
  JET_LOGTIME logtimeIncrementalReseed;                   \
  uint32_t ulIncrementalReseedCountOld, ulPagePatchCount; \
  JET_LOGTIME logtimePagePatch;                           \
  uint32_t ulPagePatchCountOld;

#define JET_DBINFOMISC6_FIELDS                           \
  JET_DBINFOMISC5_FIELDS                                 \
  JET_LOGTIME logtimeChecksumPrev, logtimeChecksumStart; \
  uint32_t cpgDatabaseChecked;

typedef struct {
  JET_DBINFOMISC_FIELDS
} JET_DBINFOMISC;
typedef struct {
  JET_DBINFOMISC2_FIELDS
} JET_DBINFOMISC2;
typedef struct {
  JET_DBINFOMISC2_FIELDS
  uint32_t genCommitted;
} JET_DBINFOMISC3;
typedef struct {
  JET_DBINFOMISC4_FIELDS
} JET_DBINFOMISC4;
typedef struct {
  JET_DBINFOMISC5_FIELDS
} JET_DBINFOMISC5;
typedef struct {
  JET_DBINFOMISC6_FIELDS
} JET_DBINFOMISC6;
typedef struct {
  JET_DBINFOMISC6_FIELDS
  JET_LOGTIME logtimeLastReAttach;
  JET_LGPOS lgposLastReAttach;
} JET_DBINFOMISC7;

/* cbHeader and cbFile count sectors. */
typedef struct {
  uint32_t ulGeneration;
  JET_SIGNATURE signLog;
  JET_LOGTIME logtimeCreate, logtimePreviousGeneration;
  uint32_t ulFlags, ulVersionMajor, ulVersionMinor, ulVersionUpdate;
  uint32_t cbSectorSize, cbHeader, cbFile, cbDatabasePageSize;
} JET_LOGINFOMISC;
typedef struct {
  uint32_t ulGeneration;
  JET_SIGNATURE signLog;
  JET_LOGTIME logtimeCreate, logtimePreviousGeneration;
  uint32_t ulFlags, ulVersionMajor, ulVersionMinor, ulVersionUpdate;
  uint32_t cbSectorSize, cbHeader, cbFile, cbDatabasePageSize;
  JET_LGPOS lgposCheckpoint;
} JET_LOGINFOMISC2;

typedef struct {
  uint32_t paramid;
  JET_API_PTR lParam;
  const char* sz;
  JET_ERR err; /* of this parameter */
} JET_SETSYSPARAM_A;
typedef struct {
  uint32_t paramid;
  JET_API_PTR lParam;
  const char16_t* sz;
  JET_ERR err;
} JET_SETSYSPARAM_W;

typedef struct {
  const char* szDatabaseName;
  const char* szNewDatabaseName;
} JET_RSTMAP_A;
typedef struct {
  const char16_t* szDatabaseName;
  const char16_t* szNewDatabaseName;
} JET_RSTMAP_W;

typedef struct {
  uint32_t dbparamid;
  void* pvParam;
  uint32_t cbParam;
} JET_SETDBPARAM;
typedef struct {
  uint32_t cbStruct;
  const char* szDatabaseName;
  const char* szNewDatabaseName;
  JET_SETDBPARAM* rgsetdbparam;
  uint32_t csetdbparam;
  JET_GRBIT grbit;
} JET_RSTMAP2_A;
typedef struct {
  uint32_t cbStruct;
  const char16_t* szDatabaseName;
  const char16_t* szNewDatabaseName;
  JET_SETDBPARAM* rgsetdbparam;
  uint32_t csetdbparam;
  JET_GRBIT grbit;
} JET_RSTMAP2_W;

/* Where databases are that recovery needs. Without szDatabaseName an entry is of the database that
 * the file is. lgposStop and logtimeStop are zero. */
typedef struct {
  uint32_t cbStruct;
  JET_RSTMAP_A* rgrstmap;
  int32_t crstmap;
  JET_LGPOS lgposStop;
  JET_LOGTIME logtimeStop;
  JET_PFNSTATUS pfnStatus;
} JET_RSTINFO_A;
typedef struct {
  uint32_t cbStruct;
  JET_RSTMAP_W* rgrstmap;
  int32_t crstmap;
  JET_LGPOS lgposStop;
  JET_LOGTIME logtimeStop;
  JET_PFNSTATUS pfnStatus;
} JET_RSTINFO_W;
typedef struct {
  uint32_t cbStruct;
  JET_RSTMAP2_A* rgrstmap;
  int32_t crstmap;
  JET_LGPOS lgposStop;
  JET_LOGTIME logtimeStop;
  JET_PFNINITCALLBACK pfnCallback;
  void* pvCallbackContext;
} JET_RSTINFO2_A;
typedef struct {
  uint32_t cbStruct;
  JET_RSTMAP2_W* rgrstmap;
  int32_t crstmap;
  JET_LGPOS lgposStop;
  JET_LOGTIME logtimeStop;
  JET_PFNINITCALLBACK pfnCallback;
  void* pvCallbackContext;
} JET_RSTINFO2_W;

#define JET_BASE_NAME_LENGTH 3

/* The logs of an external backup; who restores has to name them. */
typedef struct {
  uint32_t cbSize;
  uint32_t ulGenLow, ulGenHigh; /* both included; 0: by the files */
  char szBaseName[JET_BASE_NAME_LENGTH + 1];
} JET_LOGINFO_A;
typedef struct {
  uint32_t cbSize;
  uint32_t ulGenLow, ulGenHigh;
  char16_t szBaseName[JET_BASE_NAME_LENGTH + 1];
} JET_LOGINFO_W;

typedef struct {
  JET_INSTANCE hInstanceId;
  char* szInstanceName; /* NULL if it has none */
  JET_API_PTR cDatabases;
  char** szDatabaseFileName;
  char** szDatabaseDisplayName; /* all NULL */
  char** szDatabaseSLVFileName; /* all NULL */
} JET_INSTANCE_INFO_A;
typedef struct {
  JET_INSTANCE hInstanceId;
  char16_t* szInstanceName;
  JET_API_PTR cDatabases;
  char16_t** szDatabaseFileName;
  char16_t** szDatabaseDisplayName;
  char16_t** szDatabaseSLVFileName;
} JET_INSTANCE_INFO_W;

typedef struct {
  uint32_t cbStruct;
  JET_COLUMNID columnid; /* returned */
  JET_COLTYP coltyp;
  uint16_t wCountry, langid; /* not looked at */
  uint16_t cp;               /* 1252 or 1200; 0: 1252 */
  uint16_t wCollate;         /* not looked at */
  uint32_t cbMax;
  JET_GRBIT grbit;
} JET_COLUMNDEF;

typedef struct {
  uint32_t cbStruct;
  JET_COLUMNID columnid;
  JET_COLTYP coltyp;
  uint16_t wCountry, langid, cp, wFiller;
  uint32_t cbMax;
  JET_GRBIT grbit;
  char szBaseTableName[256];
  char szBaseColumnName[256];
} JET_COLUMNBASE_A;
typedef struct {
  uint32_t cbStruct;
  JET_COLUMNID columnid;
  JET_COLTYP coltyp;
  uint16_t wCountry, langid, cp, wFiller;
  uint32_t cbMax;
  JET_GRBIT grbit;
  char16_t szBaseTableName[256];
  char16_t szBaseColumnName[256];
} JET_COLUMNBASE_W;

typedef struct {
  uint32_t cbStruct;
  char* szColumnName;
  JET_COLTYP coltyp;
  uint32_t cbMax;
  JET_GRBIT grbit;
  void* pvDefault;
  uint32_t cbDefault;
  uint32_t cp;
  JET_COLUMNID columnid; /* returned */
  JET_ERR err;           /* returned */
} JET_COLUMNCREATE_A;
typedef struct {
  uint32_t cbStruct;
  char16_t* szColumnName;
  JET_COLTYP coltyp;
  uint32_t cbMax;
  JET_GRBIT grbit;
  void* pvDefault;
  uint32_t cbDefault;
  uint32_t cp;
  JET_COLUMNID columnid;
  JET_ERR err;
} JET_COLUMNCREATE_W;

typedef struct {
  uint32_t cbStruct;
  char* szColumnName;
  JET_GRBIT grbit; /* JET_bitIndexColumnMustBe(Non)Null */
} JET_CONDITIONALCOLUMN_A;
typedef struct {
  uint32_t cbStruct;
  char16_t* szColumnName;
  JET_GRBIT grbit;
} JET_CONDITIONALCOLUMN_W;

typedef struct {
  uint32_t lcid;
  uint32_t dwMapFlags;
} JET_UNICODEINDEX;

typedef struct {
  uint32_t chLengthMin, chLengthMax, chToIndexMax;
} JET_TUPLELIMITS;

/* The size without cbKeyMost, 72 bytes, is taken too. szKey holds "+column" or "-column" for each
 * column, each ended by a zero, and one more zero. */
typedef struct {
  uint32_t cbStruct;
  char* szIndexName;
  char* szKey;
  uint32_t cbKey; /* with its zeros, in bytes */
  JET_GRBIT grbit;
  uint32_t ulDensity;
  __extension__ union {
    uint32_t lcid; /* not looked at: keys of Unicode text are not made here */
    JET_UNICODEINDEX* pidxunicode;
  };
  __extension__ union {
    uint32_t cbVarSegMac; /* 0, or the longest that a variable column may be in a key */
    JET_TUPLELIMITS* ptuplelimits;
  };
  JET_CONDITIONALCOLUMN_A* rgconditionalcolumn;
  uint32_t cConditionalColumn;
  JET_ERR err;        /* returned */
  uint32_t cbKeyMost; /* with JET_bitIndexKeyMost */
} JET_INDEXCREATE_A;
typedef struct {
  uint32_t cbStruct;
  char16_t* szIndexName;
  char16_t* szKey;
  uint32_t cbKey;
  JET_GRBIT grbit;
  uint32_t ulDensity;
  __extension__ union {
    uint32_t lcid;
    JET_UNICODEINDEX* pidxunicode;
  };
  __extension__ union {
    uint32_t cbVarSegMac;
    JET_TUPLELIMITS* ptuplelimits;
  };
  JET_CONDITIONALCOLUMN_W* rgconditionalcolumn;
  uint32_t cConditionalColumn;
  JET_ERR err;
  uint32_t cbKeyMost;
} JET_INDEXCREATE_W;

typedef struct {
  uint32_t cbStruct;
  char* szTableName;
  char* szTemplateTableName; /* NULL */
  uint32_t ulPages;
  uint32_t ulDensity;
  JET_COLUMNCREATE_A* rgcolumncreate;
  uint32_t cColumns;
  JET_INDEXCREATE_A* rgindexcreate;
  uint32_t cIndexes;
  JET_GRBIT grbit;
  JET_TABLEID tableid; /* returned */
  uint32_t cCreated;   /* returned: the table, its columns and its indexes */
} JET_TABLECREATE_A;
typedef struct {
  uint32_t cbStruct;
  char16_t* szTableName;
  char16_t* szTemplateTableName;
  uint32_t ulPages;
  uint32_t ulDensity;
  JET_COLUMNCREATE_W* rgcolumncreate;
  uint32_t cColumns;
  JET_INDEXCREATE_W* rgindexcreate;
  uint32_t cIndexes;
  JET_GRBIT grbit;
  JET_TABLEID tableid;
  uint32_t cCreated;
} JET_TABLECREATE_W;

typedef struct {
  uint32_t cbStruct;
  JET_OBJTYP objtyp;
  JET_DATESERIAL dtCreate, dtUpdate; /* 0 */
  JET_GRBIT grbit;
  uint32_t flags;
  uint32_t cRecord, cPage; /* 0 */
} JET_OBJECTINFO;

typedef struct {
  uint32_t cbStruct;
  uint32_t ibLongValue;
  uint32_t itagSequence; /* 0: another value behind those there are */
} JET_SETINFO;

typedef struct {
  JET_COLUMNID columnid;
  const void* pvData;
  uint32_t cbData;
  JET_GRBIT grbit;
  uint32_t ibLongValue;
  uint32_t itagSequence;
  JET_ERR err; /* returned */
} JET_SETCOLUMN;

typedef struct {
  uint32_t cbStruct;
  uint32_t ibLongValue;
  uint32_t itagSequence;
  JET_COLUMNID columnidNextTagged; /* returned */
} JET_RETINFO;

typedef struct {
  JET_COLUMNID columnid;
  void* pvData;
  uint32_t cbData;
  uint32_t cbActual; /* returned */
  JET_GRBIT grbit;
  uint32_t ibLongValue;
  uint32_t itagSequence; /* 0: returns here how many values there are */
  JET_COLUMNID columnidNextTagged;
  JET_ERR err; /* returned */
} JET_RETRIEVECOLUMN;

typedef struct {
  JET_COLUMNID columnid;
  uint32_t ctagSequence; /* 0: all */
  uint32_t* rgtagSequence;
} JET_ENUMCOLUMNID;

typedef struct {
  uint32_t itagSequence;
  JET_ERR err;
  uint32_t cbData;
  void* pvData;
} JET_ENUMCOLUMNVALUE;

typedef struct {
  JET_COLUMNID columnid;
  JET_ERR err;
  __extension__ union {
    __extension__ struct {
      uint32_t cEnumColumnValue;
      JET_ENUMCOLUMNVALUE* rgEnumColumnValue;
    };
    __extension__ struct { /* with JET_wrnColumnSingleValue */
      uint32_t cbData;
      void* pvData;
    };
  };
} JET_ENUMCOLUMN;

typedef struct {
  uint32_t cbStruct;
  uint32_t centriesLT;
  uint32_t centriesInRange;
  uint32_t centriesTotal;
} JET_RECPOS;

#ifdef JET_UNICODE
#define JET_T(name) name##_W
#define JET_CALL(name) name##W
#else
#define JET_T(name) name##_A
#define JET_CALL(name) name##A
#endif
#define JET_SETSYSPARAM JET_T(JET_SETSYSPARAM)
#define JET_RSTMAP JET_T(JET_RSTMAP)
#define JET_RSTMAP2 JET_T(JET_RSTMAP2)
#define JET_RSTINFO JET_T(JET_RSTINFO)
#define JET_RSTINFO2 JET_T(JET_RSTINFO2)
#define JET_LOGINFO JET_T(JET_LOGINFO)
#define JET_INSTANCE_INFO JET_T(JET_INSTANCE_INFO)
#define JET_COLUMNBASE JET_T(JET_COLUMNBASE)
#define JET_COLUMNCREATE JET_T(JET_COLUMNCREATE)
#define JET_CONDITIONALCOLUMN JET_T(JET_CONDITIONALCOLUMN)
#define JET_INDEXCREATE JET_T(JET_INDEXCREATE)
#define JET_TABLECREATE JET_T(JET_TABLECREATE)

#ifdef __cplusplus
}
#endif

#endif /* STILLFRAME_ESE_JET_TYPES_H */
