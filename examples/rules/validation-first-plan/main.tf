variable "instance_type" {
  type = string

  validation {
    condition = provider::jdcloud::supports_instance_type(
      data.jdcloud_image_constraints.web, terraform_data.image.output, var.instance_type
    )
    error_message = provider::jdcloud::explain_instance_type(
      data.jdcloud_image_constraints.web, terraform_data.image.output, var.instance_type
    )
  }
}

# Its output is unknown until it is applied.
resource "terraform_data" "image" {
  input = "img-ubuntu2204"
}

data "jdcloud_image_constraints" "web" {
  ids = [terraform_data.image.output]
}

resource "terraform_data" "server" {
  input = { image_id = terraform_data.image.output, instance_type = var.instance_type }
}
