/* SPDX-License-Identifier: BSD-2-Clause */
/* The methods that every varlink service has. */
#include "server.h"
#include <string.h>

void do_get_info(struct croom_control *control, struct client *client, json_t *parameters)
{
	(void)control;
	(void)parameters;
	reply(client, json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "Control Room", "product", "libcroom", "version",
				CROOM_VERSION, "url", "", "interfaces", SERVICE_INTERFACE, ROOM_INTERFACE), false);
}

void do_get_description(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char service[] =
		"# Every varlink service has this.\n"
		"interface org.varlink.service\n\n"
		"method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)\n"
		"method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
		"error InterfaceNotFound (interface: string)\n"
		"error MethodNotFound (method: string)\n"
		"error MethodNotImplemented (method: string)\n"
		"error InvalidParameter (parameter: string, message: ?string)\n"
		"error PermissionDenied ()\n"
		"error ExpectedMore ()\n";
	const char *name = json_string_value(json_object_get(parameters, "interface"));

	(void)control;
	if (!name)
		invalid(client, "interface", "interface must be a string");
	else if (strcmp(name, ROOM_INTERFACE) == 0)
		reply(client, json_pack("{s:s}", "description", croom_control_interface), false);
	else if (strcmp(name, SERVICE_INTERFACE) == 0)
		reply(client, json_pack("{s:s}", "description", service), false);
	else
		reply_error(client, SERVICE_INTERFACE ".InterfaceNotFound", json_pack("{s:o}", "interface", show_string(name)));
}
