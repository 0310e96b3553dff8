# Refuses, in `terraform plan`, an instance type that the image does not support:
#
#   export JDCLOUD_ACCESS_KEY=… JDCLOUD_SECRET_KEY=…
#   terraform init
#   terraform plan -var image_id=img-… -var instance_type=g.n2.medium

variable "image_id" {
  description = "The image that the instance starts from."
  type        = string
}

variable "instance_type" {
  description = "The instance type, such as g.n2.medium."
  type        = string
}

provider "jdcloud" {
  region = "cn-north-1"
}

data "jdcloud_image_constraints" "web" {
  ids = [var.image_id]
}

output "excluded_instance_types" {
  description = "Which instance types each image excludes."
  value       = data.jdcloud_image_constraints.web.excluded_instance_types
}

output "instance_type" {
  description = "The instance type, once it is known that the image supports it."
  value       = var.instance_type

  # The same block goes into the `lifecycle` of the resource that creates the instance.
  precondition {
    condition     = !contains(data.jdcloud_image_constraints.web.excluded_instance_types[var.image_id], var.instance_type)
    error_message = "Image ${var.image_id} does not support instance type ${var.instance_type}."
  }

  # From Terraform 1.8 on, functions say the same, know images that *include* types, and explain themselves:
  #
  #   condition     = provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
  #   error_message = provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.web, var.image_id, var.instance_type)
}
