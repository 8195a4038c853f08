/* A program of somebody else, in C: knows the installed header and a folder to work in. */
#include <stdio.h>

#include <stillframe/ese/jet.h>

static int failed(const char* what, JET_ERR err) {
  fprintf(stderr, "%s is %d\n", what, (int)err);
  return 1;
}

int main(int argc, char** argv) {
  JET_INSTANCE instance = JET_instanceNil;
  JET_ERR err;
  if (argc != 2) return 2;
  err = JetCreateInstance(&instance, "consumer");
  if (err < 0) return failed("JetCreateInstance", err);
  err = JetSetSystemParameter(&instance, JET_sesidNil, JET_paramLogFilePath, 0, argv[1]);
  if (err < 0) return failed("JetSetSystemParameter", err);
  err = JetSetSystemParameter(&instance, JET_sesidNil, JET_paramSystemPath, 0, argv[1]);
  if (err < 0) return failed("JetSetSystemParameter", err);
  err = JetInit(&instance);
  if (err < 0) return failed("JetInit", err);
  err = JetTerm(instance);
  return err < 0 ? failed("JetTerm", err) : 0;
}
